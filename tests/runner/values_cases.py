"""Values that must survive storing exactly: name, codec that keeps it, the expression.

The expressions are evaluated in the cell that stores and again in the cell that loads; there,
`same` compares. `PRELUDE` is run in both.
"""

from __future__ import annotations

PRELUDE = """
import array, collections, datetime, decimal, enum, fractions, io, itertools, math, operator
import os, pathlib, random, re, struct, sys, types, uuid, functools, zoneinfo
import numpy as np, pandas as pd, pyarrow as pa
"""

PLAIN = {
    "none": ("json", "None"),
    "true": ("json", "True"),
    "int_zero": ("json", "0"),
    "int_big": ("json", "2 ** 64"),
    "int_negative": ("json", "-(10 ** 300)"),
    "int_huge": ("pickle", "3 ** 20000"),
    "factorial": ("json", "math.factorial(25)"),
    "float_zero": ("json", "0.0"),
    "float_minus_zero": ("json", "-0.0"),
    "float_third": ("json", "1 / 3"),
    "float_tiny": ("json", "5e-324"),
    "float_inf": ("json", "[math.inf, -math.inf]"),
    "float_nan": ("json", "math.nan"),
    "float_minus_nan": ("pickle", "struct.unpack('<d', struct.pack('<Q', 0xFFF8000000000001))[0]"),
    "text": ("json", "'a\\n\\0\\x1f\\u2028\\x7f\"\\\\ é 漢 🙂'"),
    "text_lone_surrogate": ("pickle", "'\\ud800'"),
    "text_two_surrogates": ("pickle", "'\\ud83d\\ude00'"),
    "text_long": ("pickle", "'ab' * 2_000_000"),
    "bytes_": ("pickle", "b'\\0\\xff'"),
    "bytearray_": ("pickle", "bytearray(b'abc' * 1000)"),
    "complex_": ("pickle", "1 - 2j"),
    "list_": ("json", "[1, [2.0, None], {'a': 'b'}]"),
    "list_long": ("pickle", "list(range(20_000))"),
    "list_deep": ("pickle", "functools.reduce(lambda x, _: [x], range(500), [])"),
    "list_very_deep": ("pickle", "functools.reduce(lambda x, _: [x], range(5_000), [])"),
    "dict_": ("json", "{'b': 1, 'a': [], '': {}}"),
    "dict_int_keys": ("pickle", "{1: 'a', '1': 'b'}"),
    "dict_mixed_keys": ("pickle", "{None: 1, True: 2, 1.5: 3, (1, 2): 4}"),
    "tuple_": ("pickle", "(1, 'a', (2,), [])"),
    "tuple_empty": ("pickle", "()"),
    "list_of_tuples": ("pickle", "[(1, 2)]"),
    "set_": ("pickle", "{1, 'a', (2, 3)}"),
    "frozenset_": ("pickle", "frozenset({1, 2})"),
    "range_": ("pickle", "range(0, 10, 3)"),
    "slice_": ("pickle", "slice(1, None, 2)"),
    "ellipsis": ("pickle", "..."),
    "notimplemented": ("pickle", "NotImplemented"),
    "counter": ("pickle", "collections.Counter('abca')"),
    "defaultdict": ("pickle", "collections.defaultdict(list, a=[1])"),
    "ordered": ("pickle", "collections.OrderedDict(b=1, a=2)"),
    "deque": ("pickle", "collections.deque([1, 2], maxlen=5)"),
    "chainmap": ("pickle", "collections.ChainMap({'a': 1}, {'b': 2})"),
    "decimal_": ("pickle", "decimal.Decimal('1.10')"),
    "fraction": ("pickle", "fractions.Fraction(1, 3)"),
    "date": ("pickle", "datetime.date(2024, 2, 29)"),
    "moment": ("pickle", "datetime.datetime(2024, 1, 2, 3, 4, 5, 6, datetime.timezone.utc)"),
    "moment_zone": (
        "pickle",
        "datetime.datetime(2024, 10, 27, 2, fold=1,"
        " tzinfo=datetime.timezone(datetime.timedelta(hours=2)))",
    ),
    "delta": ("pickle", "datetime.timedelta(days=-1, microseconds=1)"),
    "path": ("pickle", "pathlib.PurePosixPath('a/b')"),
    "uuid_": ("pickle", "uuid.UUID(int=5)"),
    "pattern": ("pickle", "re.compile('a+', re.I)"),
    "array_": ("pickle", "array.array('d', [1.5, 2.5])"),
    "namespace": ("pickle", "types.SimpleNamespace(a=1, b=[2])"),
    "flag": ("pickle", "re.I | re.M"),
    "http": ("pickle", "__import__('http').HTTPStatus.OK"),
    "stringio": ("pickle", "io.StringIO('abc')"),
    "partial": ("pickle", "functools.partial(operator.add, 1)"),
    "builtin_function": ("pickle", "len"),
    "library_function": ("pickle", "os.path.join"),
    "bound_method": ("pickle", "'a,b'.split"),
    "library_class": ("pickle", "collections.OrderedDict"),
    "module_": ("pickle", "os.path"),
    "type_of_none": ("pickle", "type(None)"),
    "generic_alias": ("pickle", "list[int]"),
    "random_": ("pickle", "random.Random(3)"),
    "exception": ("pickle", "ValueError('a', 1)"),
    "shared": ("pickle", "(lambda l: [l, l])([1])"),
}

ARRAYS = {
    "floats": ("npy", "np.arange(6.0)"),
    "floats_2d": ("npy", "np.arange(6.0).reshape(2, 3)"),
    "fortran": ("npy", "np.asfortranarray(np.arange(6.0).reshape(2, 3))"),
    "strided": ("npy", "np.arange(10)[::2]"),
    "reversed_": ("npy", "np.arange(4)[::-1]"),
    "transposed": ("npy", "np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2)"),
    "broadcast": ("npy", "np.broadcast_to(np.array([1, 2]), (3, 2))"),
    "read_only": ("npy", "(lambda a: (a.setflags(write=False), a)[1])(np.arange(3))"),
    "zero_d": ("npy", "np.array(3)"),
    "empty": ("npy", "np.zeros((0, 3), 'f4')"),
    "empty_text": ("npy", "np.zeros(3, 'U0')"),
    "big_endian": ("npy", "np.arange(3, dtype='>i4')"),
    "bools": ("npy", "np.array([True, False])"),
    "half": ("npy", "np.arange(3, dtype='f2')"),
    "long_double": ("npy", "np.arange(3, dtype='g')"),
    "complexes": ("npy", "np.array([1 + 2j], 'c8')"),
    "texts": ("npy", "np.array(['a', 'bcd', ''])"),
    "byte_texts": ("npy", "np.array([b'a', b'bc'])"),
    "moments": ("npy", "np.array(['2024-01-01', 'NaT'], 'M8[ns]')"),
    "spans": ("npy", "np.array([1, 2], 'm8[D]')"),
    "large": ("npy", "np.arange(100_000.0)"),
    "nan_bits": ("npy", "np.array([0x7FF8000000000123], 'u8').view('f8')"),
    "objects": ("pickle", "np.array([1, 'a', None, [2]], dtype=object)"),
    "records": ("pickle", "np.array([(1, 2.5)], dtype=[('a', 'i4'), ('b', 'f8')])"),
    "records_aligned": ("pickle", "np.zeros(2, np.dtype([('a', 'i1'), ('b', 'f8')], align=True))"),
    "recarray": ("pickle", "np.rec.array([(1, 'x')], names='a,b')"),
    "matrix": ("pickle", "np.matrix([[1, 2]])"),
    "masked": ("pickle", "np.ma.masked_array([1.0, 100.0], mask=[False, True])"),
    "scalar_f4": ("pickle", "np.float32(0.1)"),
    "scalar_f8": ("pickle", "np.float64(0.1)"),
    "scalar_i8": ("pickle", "np.int64(5)"),
    "scalar_bool": ("pickle", "np.bool_(True)"),
    "scalar_text": ("pickle", "np.str_('abc')"),
    "scalar_moment": ("pickle", "np.datetime64('2024-01-01', 'D')"),
    "dtype_": ("pickle", "np.dtype([('a', '<i4')])"),
    "ufunc": ("pickle", "np.add"),
    "metadata": ("pickle", "np.zeros(2, np.dtype('i4', metadata={'unit': 'm'}))"),
    "in_list": ("pickle", "[np.arange(5), np.asfortranarray(np.ones((300, 2)))]"),
    "in_dict": (
        "pickle",
        "{'a': np.arange(1000.0), 'b': np.arange(1000.0)[::-2], 'c': np.array(2)}",
    ),
    "in_list_odd": (
        "pickle",
        "[np.array(['NaT'], 'M8[s]'), np.zeros((0, 2)), np.array(['', 'é'])]",
    ),
    "generator": ("pickle", "np.random.default_rng(5)"),
    "polynomial": ("pickle", "np.polynomial.Polynomial([1, 2])"),
}

FRAMES = {
    "frame": ("pickle", "pd.DataFrame({'a': [1, 2], 'b': [1.5, None]})"),
    "frame_none": ("pickle", "pd.DataFrame({'a': pd.Series([1, 'x', None], dtype=object)})"),
    "frame_texts": ("pickle", "pd.DataFrame({'a': ['x', None, 'é']})"),
    "frame_mixed": (
        "pickle",
        "pd.DataFrame({'i': pd.array([1, None], 'Int64'), 'b': pd.array([True, None], 'boolean'),"
        " 'c': pd.Categorical(['a', 'b'], ordered=True), 't': pd.to_datetime(['2024-01-01', None]),"
        " 'z': pd.to_datetime(['2024-01-01', '2024-06-01']).tz_localize('Europe/Paris'),"
        " 'd': pd.to_timedelta(['1s', None]), 'p': pd.period_range('2024-01', periods=2, freq='M'),"
        " 'v': pd.interval_range(0, 2), 's': pd.arrays.SparseArray([0, 1]),"
        " 'w': pd.array(['a', None], 'string')})",
    ),
    "frame_index": (
        "pickle",
        "pd.DataFrame({'a': range(4)}, index=pd.MultiIndex.from_product("
        "[[1, 2], ['x', 'y']], names=['n', None]))",
    ),
    "frame_columns": ("pickle", "pd.DataFrame([[1, 2]], columns=pd.Index([5, 7], name='k'))"),
    "frame_twice": ("pickle", "pd.DataFrame([[1, 2]], columns=['a', 'a'])"),
    "frame_empty": ("pickle", "pd.DataFrame()"),
    "frame_attrs": (
        "pickle",
        "(lambda d: (d.attrs.update(unit='m'), d)[1])(pd.DataFrame({'a': [1]}))",
    ),
    "frame_filtered": (
        "pickle",
        "(lambda d: d[d.a > 2][['c', 'a']])"
        "(pd.DataFrame({'a': range(5), 'b': 1.0, 'c': range(5)}))",
    ),
    "frame_grown": (
        "pickle",
        "(lambda d: (d.insert(1, 'z', [3, 4]), d)[1])"
        "(pd.DataFrame({'a': [1, 2], 'b': [1.5, 2.5]}))",
    ),
    "frame_large": (
        "pickle",
        "pd.DataFrame({'x': np.arange(50_000.0), 'y': np.arange(50_000),"
        " 's': ['ab', 'c'] * 25_000})",
    ),
    "frame_lists": ("pickle", "pd.DataFrame({'a': [[1], [2, 3]], 'b': [{'k': 1}, None]})"),
    "frame_dates": (
        "pickle",
        "pd.DataFrame({'a': [1, 2]}, index=pd.date_range('2024', periods=2))",
    ),
    "series": ("pickle", "pd.Series([1, 2], index=['a', 'b'], name='n')"),
    "series_range": ("pickle", "pd.Series(range(5))[1:3]"),
    "index_": ("pickle", "pd.Index(['a', 'b'], name='i')"),
    "index_range": ("pickle", "pd.RangeIndex(2, 9, 3)"),
    "timestamp": ("pickle", "pd.Timestamp('2024-01-01 00:00:00.000000001', tz='UTC')"),
    "nat": ("pickle", "pd.NaT"),
    "na": ("pickle", "pd.NA"),
    "interval": ("pickle", "pd.Interval(0, 1)"),
    "categorical": ("pickle", "pd.Categorical(['a', None], categories=['b', 'a'])"),
    "describe": ("pickle", "pd.DataFrame({'a': [1, 2], 'b': ['x', 'y']}).describe(include='all')"),
    "table": ("arrow", "pa.table({'a': [1, None], 'b': ['x', None], 'c': [[1], [2]]})"),
    "table_metadata": (
        "arrow",
        "pa.table({'a': [1]}).replace_schema_metadata({'k': 'v'})",
    ),
    "table_chunks": ("arrow", "pa.concat_tables([pa.table({'a': [1]}), pa.table({'a': [2]})])"),
    "table_dictionary": ("arrow", "pa.table({'a': pa.array(['x', 'y', 'x']).dictionary_encode()})"),
    "table_empty": ("arrow", "pa.table({'a': pa.array([], pa.int64())})"),
    "table_no_columns": ("arrow", "pa.table({})"),
    "table_of_frame": ("arrow", "pa.Table.from_pandas(pd.DataFrame({'a': [1, 2]}))"),
    "batch": ("arrow", "pa.record_batch({'a': [1, 2]})"),
    "batch_empty": ("arrow", "pa.record_batch({'a': pa.array([], pa.int64())})"),
    "pa_array": ("pickle", "pa.array([1, None])"),
    "pa_scalar": ("pickle", "pa.scalar(5)"),
    "pa_schema": ("pickle", "pa.schema({'a': pa.int8()})"),
}

SAME = '''
def same(a, b):
    """Why two values are not the same, type and all; "" if they are. `a` came from the store."""
    stack = [(a, b, "")]
    while stack:
        a, b, where = stack.pop()
        if type(a) is not type(b):
            return f"{where}: {type(a)} for {type(b)}"
        why = _differ(a, b, stack, where)
        if why:
            return f"{where}: {why}"
    return ""

def _differ(a, b, stack, where):
    if isinstance(a, (list, tuple, collections.deque)):
        if len(a) != len(b):
            return "length"
        stack.extend((x, y, where + "[]") for x, y in zip(a, b))
        return getattr(a, "maxlen", 0) != getattr(b, "maxlen", 0) and "maxlen"
    if isinstance(a, dict):
        if list(a) != list(b) or [type(k) for k in a] != [type(k) for k in b]:
            return "keys"
        stack.extend((a[k], b[k], where + f"[{k!r}]") for k in a)
        return getattr(a, "default_factory", 0) != getattr(b, "default_factory", 0) and "factory"
    if isinstance(a, (float, complex)) and not isinstance(a, np.generic):
        return pack(a) != pack(b) and f"{a!r} for {b!r}"
    if isinstance(a, np.ma.MaskedArray):
        stack.append((a.mask, b.mask, where + ".mask"))
        return a.data.tobytes() != b.data.tobytes() and "data"
    if isinstance(a, np.ndarray):
        if a.dtype != b.dtype or a.dtype.str != b.dtype.str or a.dtype.metadata != b.dtype.metadata:
            return f"dtype {a.dtype} for {b.dtype}"
        if not a.flags.writeable or not a.flags.aligned:
            return "flags"
        if a.dtype.hasobject:
            stack.append((a.tolist(), b.tolist(), where))
            return a.shape != b.shape and "shape"
        if a.dtype.char == "g":  # has padding
            return not np.array_equal(a, b) and f"{a} for {b}"
        return (a.shape != b.shape or a.tobytes() != b.tobytes()) and f"{a} for {b}"
    if isinstance(a, pd.DataFrame):
        if list(a.dtypes) != list(b.dtypes) or a.attrs != b.attrs:
            return f"dtypes {a.dtypes} for {b.dtypes}"
        stack.append((a.index, b.index, where + ".index"))
        stack.append((a.columns, b.columns, where + ".columns"))
        stack.extend((a.iloc[:, i], b.iloc[:, i], where + f".{i}") for i in range(a.shape[1]))
        return ""
    if isinstance(a, pd.Series):
        stack.append((a.index, b.index, where + ".index"))
        stack.append((list(a), list(b), where) if a.dtype == object else (a.array, b.array, where))
        return (a.dtype != b.dtype or repr(a.name) != repr(b.name)) and "dtype or name"
    if isinstance(a, pd.Index):
        return not (a.identical(b) and a.dtype == b.dtype and a.names == b.names) and "index"
    if isinstance(a, pd.api.extensions.ExtensionArray):
        return not a.equals(b) and f"{a} for {b}"
    if isinstance(a, (pa.Table, pa.RecordBatch)):
        return not a.equals(b, check_metadata=True) and "table"
    if a is pd.NaT or a is pd.NA:
        return ""
    if isinstance(a, BaseException):
        return (a.args != b.args) and "args"
    if isinstance(a, io.StringIO):
        return a.getvalue() != b.getvalue() and "text"
    if isinstance(a, functools.partial):
        return a.__reduce__()[2] != b.__reduce__()[2] and "partial"
    if isinstance(a, random.Random):
        return a.random() != b.random() and "state"
    if isinstance(a, np.random.Generator):
        return a.random() != b.random() and "state"
    if isinstance(a, types.BuiltinMethodType):
        stack.append((a.__self__, b.__self__, where + ".__self__"))
        return a.__name__ != b.__name__ and "name"
    if isinstance(a, pa.Array):
        return not a.equals(b) and "array"
    if isinstance(a, (int, str)):
        return a != b and "other"
    return (a != b or repr(a) != repr(b)) and f"{a!r} for {b!r}"

def pack(x):
    return struct.pack("<dd", x.real, x.imag)
'''

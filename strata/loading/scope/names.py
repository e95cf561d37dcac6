"""Names that every Python module can see without binding them, and how a class mangles names.

The table of builtins is written down, not asked of the running interpreter: a cell must mean the
same whichever Python runs Strata (IPython, gettext and `site` add to `builtins`), and a notebook
may use a newer Python than ours. `test_names.py` holds it against the running one.
"""

from __future__ import annotations

_BUILTINS = """
    ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError
    BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError
    ConnectionError ConnectionRefusedError ConnectionResetError DeprecationWarning EOFError
    Ellipsis EncodingWarning EnvironmentError Exception ExceptionGroup False FileExistsError
    FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError
    ImportWarning IndentationError IndexError InterruptedError IsADirectoryError KeyError
    KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError None
    NotADirectoryError NotImplemented NotImplementedError OSError OverflowError
    PendingDeprecationWarning PermissionError ProcessLookupError PythonFinalizationError
    RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration
    StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError True
    TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError
    UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning WindowsError
    ZeroDivisionError abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable
    chr classmethod compile complex copyright credits delattr dict dir divmod enumerate eval exec
    exit filter float format frozenset getattr globals hasattr hash help hex id input int
    isinstance issubclass iter len license list locals map max memoryview min next object oct open
    ord pow print property quit range repr reversed round set setattr slice sorted staticmethod
    str sum super tuple type vars zip
"""

BUILTINS = frozenset(_BUILTINS.split())

_IMPLICIT = """
    __name__ __file__ __doc__ __builtins__ __spec__ __loader__ __package__ __annotations__
    __debug__ __build_class__ __class__ __import__
"""

IMPLICIT = frozenset(_IMPLICIT.split())
"""Names that the interpreter puts into every module, or into every method."""

CLASS_IMPLICIT = frozenset({"__module__", "__qualname__"})
"""Names that are bound in a class's namespace before its body runs."""


def mangle(name: str, class_name: str | None) -> str:
    """The name that `name` stands for inside the class: `__x` in `_A` is `_A__x`.

    Language reference, 6.2.1 "Private name mangling".
    """
    if class_name is None or not name.startswith("__") or name.endswith("__") or "." in name:
        return name
    stripped = class_name.lstrip("_")
    return f"_{stripped}{name}" if stripped else name

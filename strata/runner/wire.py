"""JSON as the runner writes and reads it.

The C halves of `json` are used directly: the module itself imports `re`, which costs more than
everything else that a light cell needs. Where they are missing, `json` is used. Output is compact
UTF-8 text; NaN and the infinities are Python's tokens; a lone surrogate makes `encode` raise
`UnicodeEncodeError`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Callable


class _Strict:
    """What the C scanner asks of a `JSONDecoder`."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {
        "NaN": float("nan"),
        "Infinity": float("inf"),
        "-Infinity": float("-inf"),
    }.__getitem__


def _refuse(value: object) -> object:
    raise TypeError(f"a {type(value).__name__} is not JSON")


def _make_codec() -> tuple[Callable[[object], str], Callable[[str], object]]:
    try:
        from _json import encode_basestring, make_encoder, make_scanner

        write = make_encoder(None, _refuse, encode_basestring, None, ":", ",", False, False, True)
        scan = make_scanner(_Strict())  # type: ignore[arg-type]
        return (lambda value: "".join(write(value, 0))), (lambda text: scan(text, 0)[0])
    except (ImportError, TypeError):
        import json

        encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
        return encoder.encode, json.loads


_encode_text, _decode_text = _make_codec()


def encode(value: object) -> bytes:
    """`value`, made of what JSON has, as compact JSON. Raises `TypeError` for anything else."""
    return _encode_text(value).encode("utf-8")


def decode(data: bytes | bytearray | memoryview) -> object:
    """The value that `encode` wrote."""
    return _decode_text(str(data, "utf-8"))

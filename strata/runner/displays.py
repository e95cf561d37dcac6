"""What a cell shows: values as MIME bundles, sent to the parent as they are shown.

A bundle has every form that the value offers, in the ways Jupyter knows (`_repr_mimebundle_`,
`_repr_html_` and the others), and always `text/plain`. Code of a value's class may raise, or give
something that is no text: that form is left out; it never fails the cell. Forms larger than
32 MiB are left out, text is cut.
"""

from __future__ import annotations

from . import wire
from .outputs import printable
from .values import type_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .channel import Channel

_LARGEST = 32 << 20
_LONGEST_TEXT = 100_000
_WIDTH = 79
_MOST_ELEMENTS = 1_000

_METHODS = {
    "_repr_html_": "text/html",
    "_repr_markdown_": "text/markdown",
    "_repr_svg_": "image/svg+xml",
    "_repr_png_": "image/png",
    "_repr_jpeg_": "image/jpeg",
    "_repr_latex_": "text/latex",
    "_repr_json_": "application/json",
}


class Displays:
    """Where a cell's values are shown."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def display(self, *values: object) -> None:
        """Shows each of `values`. This is the `display` that cells call."""
        from . import figures

        for value in values:
            picture = figures.picture(value)
            self.send(bundle(value) if picture is None else figures.bundle(picture))

    def send(self, shown: dict[str, bytes]) -> None:
        """Sends one MIME bundle."""
        items = [{"mime": mime, "size": len(data)} for mime, data in shown.items()]
        self._channel.send({"type": "display", "items": items}, list(shown.values()))


def bundle(value: object) -> dict[str, bytes]:
    """The forms of `value`: MIME type to bytes, richest first, `text/plain` last and always."""
    forms = _from_mimebundle(value)
    for method, mime in _METHODS.items():
        if mime not in forms:
            forms[mime] = _call(value, method)
    given = forms.pop("text/plain", None)
    text = printable(given if isinstance(given, str) else plain_text(value)).encode()
    found: dict[str, bytes] = {}
    size = len(text)
    for mime, form in forms.items():
        data = _to_bytes(mime, form)
        if data is not None and size + len(data) <= _LARGEST:
            found[mime] = data
            size += len(data)
    found["text/plain"] = text
    return found


def plain_text(value: Any) -> str:
    """`repr(value)`, containers laid out over lines; says so where `repr` fails. Bounded."""
    try:
        text = _container_text(value) if type(value) in _CONTAINERS else repr(value)
    except KeyboardInterrupt:
        raise
    except BaseException as problem:  # noqa: BLE001 - code of the value's class
        text = f"<a {type_name(value)} whose repr raises {type(problem).__name__}>"
    if len(text) > _LONGEST_TEXT:
        text = f"{text[:_LONGEST_TEXT]}\n... {len(text) - _LONGEST_TEXT:,} characters more"
    return text


_CONTAINERS = (list, tuple, dict, set, frozenset)


def _container_text(value: Any) -> str:
    if len(value) > _MOST_ELEMENTS:
        from itertools import islice

        shown = list(islice(value.items() if type(value) is dict else value, _MOST_ELEMENTS))
        head = repr(dict(shown) if type(value) is dict else shown)
        return f"{head[:-1]}, ...]\n({len(value):,} elements, a {type(value).__name__})"
    text = repr(value)
    if len(text) <= _WIDTH or len(text) > _LONGEST_TEXT:
        return text
    from pprint import pformat

    return pformat(value, width=_WIDTH, sort_dicts=False)


def _from_mimebundle(value: object) -> dict[str, object]:
    given = _call(value, "_repr_mimebundle_")
    if isinstance(given, tuple) and given:
        given = given[0]
    if not isinstance(given, dict):
        return {}
    return {mime: form for mime, form in given.items() if isinstance(mime, str)}


def _call(value: object, method: str) -> object:
    """What a display method gives, or None. Looked up on the type, as special methods are:
    objects that answer to every name (mocks, proxies) and classes themselves have none."""
    if isinstance(value, type) or getattr(type(value), method, None) is None:
        return None
    try:
        return getattr(value, method)()
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001 - code of the value's class
        return None


def _to_bytes(mime: str, form: object) -> bytes | None:
    if isinstance(form, tuple) and form:  # (data, metadata)
        form = form[0]
    if form is None:
        return None
    try:
        if isinstance(form, (bytes, bytearray, memoryview)):
            return bytes(form)
        if isinstance(form, str):
            if mime.startswith("image/") and mime != "image/svg+xml":
                from base64 import b64decode

                return b64decode(form)
            return printable(form).encode()
        if mime.endswith("json"):
            return printable(wire.encode(form).decode()).encode()
    except (TypeError, ValueError, RecursionError):
        return None
    return None

"""Figures of matplotlib: shown by `plt.show()`, by `display`, and at the end of the cell.

Cells draw with the Agg backend, whose `plt.show()` does nothing but warn; so `show` is replaced
when `matplotlib.pyplot` is imported. Nothing else of matplotlib is touched, and it is never
imported from here. A picture holds no version of matplotlib, so it is the same after an upgrade
that draws the same.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any, Callable

    from .displays import Displays

_PYPLOT = "matplotlib.pyplot"

_shown: list[object] = []
"""Figures that were shown already."""


def install(displays: Displays) -> None:
    """`plt.show()` shows, whenever matplotlib is imported."""
    if _PYPLOT in sys.modules:
        _replace_show(sys.modules[_PYPLOT], displays)
    else:
        sys.meta_path.insert(0, _PyplotFinder(displays))


def show_open(displays: Displays) -> None:
    """All figures that pyplot has open are shown and closed, in the order of their numbers."""
    pyplot: Any = sys.modules.get(_PYPLOT)
    if pyplot is None or not hasattr(pyplot, "get_fignums"):
        return
    for number in pyplot.get_fignums():
        figure = pyplot.figure(number)
        if not _is_shown(figure):
            displays.send(bundle(figure))
        pyplot.close(figure)


def picture(value: object) -> Any | None:
    """The figure, if `value` is one or is the axes of one; else None."""
    if "matplotlib.figure" not in sys.modules:
        return None
    figures, axes = sys.modules["matplotlib.figure"], sys.modules.get("matplotlib.axes")
    if isinstance(value, figures.Figure):
        return value
    if axes is not None and isinstance(value, axes.Axes):
        return value.get_figure()
    return None


def is_open(figure: Any) -> bool:
    """Whether pyplot has `figure` open: then it will be shown at the end of the cell."""
    pyplot: Any = sys.modules.get(_PYPLOT)
    return pyplot is not None and any(
        pyplot._pylab_helpers.Gcf.figs[n].canvas.figure is figure for n in pyplot.get_fignums()
    )


def bundle(figure: Any) -> dict[str, bytes]:
    """The MIME bundle of a figure: a PNG, or its text where it cannot be drawn."""
    from . import displays

    text = displays.plain_text(figure)
    try:
        png = _draw(figure)
    except Exception as problem:  # noqa: BLE001 - drawing runs code of the user's
        return {"text/plain": f"{text}\n(not drawn: {problem})".encode("utf-8", "replace")}
    _shown.append(figure)
    return {"image/png": png, "text/plain": text.encode("utf-8", "replace")}


def _draw(figure: Any) -> bytes:
    from io import BytesIO

    file = BytesIO()
    figure.savefig(file, format="png", bbox_inches="tight", metadata={"Software": None})
    figure.stale = False
    return file.getvalue()


def _is_shown(figure: Any) -> bool:
    """Whether `figure` was shown by `display` and has not changed since."""
    return not figure.stale and any(one is figure for one in _shown)


def _replace_show(pyplot: Any, displays: Displays) -> None:
    def show(*args: object, **kwargs: object) -> None:
        """Shows all open figures; they are closed then, as in a notebook."""
        show_open(displays)

    pyplot.show = show


class _PyplotFinder:
    """Finds `matplotlib.pyplot` like Python does, and replaces `show` once it is there."""

    def __init__(self, displays: Displays) -> None:
        self._displays = displays

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """PEP 451; None for everything but the one module."""
        if name != _PYPLOT:
            return None
        sys.meta_path.remove(self)
        from importlib.machinery import PathFinder

        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            load: Callable[[ModuleType], None] = spec.loader.exec_module

            def exec_module(module: ModuleType) -> None:
                load(module)
                _replace_show(module, self._displays)

            spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec

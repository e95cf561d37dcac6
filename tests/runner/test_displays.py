"""What a cell shows: MIME bundles, in order; code of the value's class never fails the cell."""

from __future__ import annotations

import json

PNG = b"\x89PNG\r\n"


def shown(outcome):
    assert outcome.failure is None, outcome.failure["traceback"]
    return outcome.displays


def test_the_last_value_is_shown_where_it_is_asked_for(run_cell):
    assert shown(run_cell("1 + 1", shows_last=True)) == [{"text/plain": b"2"}]
    assert shown(run_cell("1 + 1")) == []
    assert shown(run_cell("None", shows_last=True)) == []
    assert shown(run_cell("x = 5", shows_last=True)) == []
    assert shown(run_cell("async def f():\n    return 3\nawait f()", shows_last=True)) == [
        {"text/plain": b"3"}
    ]
    source = "from __future__ import annotations\nx = 1\n(lambda: x)()"
    assert shown(run_cell(source, shows_last=True)) == [{"text/plain": b"1"}]


def test_display_shows_in_order_and_can_be_redefined(run_cell):
    outcome = run_cell("display(1, 'two')\nprint('x')\ndisplay([3])\n4", shows_last=True)
    assert outcome.texts == ["1", "'two'", "[3]", "4"]
    assert shown(run_cell("def display(x): pass\ndisplay(1)")) == []
    assert shown(run_cell("display = None")) == []


RICH = """
class Rich:
    def __repr__(self): return "rich"
    def _repr_html_(self): return "<b>é\\ud800</b>"
    def _repr_markdown_(self): return None
    def _repr_svg_(self): raise ValueError
    def _repr_png_(self): return b"\\x89PNG"
    def _repr_jpeg_(self): return 5
    def _repr_json_(self): return {"a": [1]}
    def _repr_latex_(self): return ("$x$", {"meta": 1})
class Bundle:
    def __repr__(self): return "bundle"
    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"application/vnd.vegalite.v5+json": {"mark": "bar"}, "image/png": "iVBORw0="}, {}
class Bad:
    def __repr__(self): raise SystemExit(3)
    def _repr_html_(self): raise SystemExit
class Any:
    def __getattr__(self, name): return lambda *a, **k: "anything"
    def __repr__(self): return "any"
"""


def test_every_form_that_a_value_offers_is_sent(run_cell):
    outcome = run_cell(RICH + "display(Rich(), Bundle(), Bad(), Any(), Rich)")
    rich, bundle, bad, anything, kind = shown(outcome)
    assert rich == {
        "text/html": b"<b>\xc3\xa9\\ud800</b>",
        "image/png": b"\x89PNG",
        "text/latex": b"$x$",
        "application/json": b'{"a":[1]}',
        "text/plain": b"rich",
    }
    assert bundle == {
        "application/vnd.vegalite.v5+json": b'{"mark":"bar"}',
        "image/png": PNG[:4] + b"\r",
        "text/plain": b"bundle",
    }
    assert bad == {"text/plain": b"<a Bad whose repr raises SystemExit>"}
    assert anything == {"text/plain": b"any"}
    assert kind == {"text/plain": b"<class '__main__.Rich'>"}


def test_texts_are_laid_out_and_bounded(run_cell):
    outcome = run_cell(
        "display({i: 'x' * 20 for i in range(6)})\ndisplay(list(range(10**6)))\n"
        "display('y' * 10**6)\nl = []\nl.append(l)\ndisplay(l)"
    )
    laid_out, long, text, cycle = outcome.texts
    assert laid_out.count("\n") == 5
    assert long.endswith("998, 999, ...]\n(1,000,000 elements, a list)")
    assert len(text) < 101_000
    assert cycle == "[[...]]"


def test_forms_that_are_too_large_are_left_out(run_cell):
    outcome = run_cell(
        "class Huge:\n    def _repr_html_(self): return 'x' * (33 << 20)\n"
        "    def __repr__(self): return 'huge'\nHuge()",
        shows_last=True,
    )
    assert shown(outcome) == [{"text/plain": b"huge"}]


def test_a_frame_is_shown_as_a_table(run_cell):
    (frame,) = shown(run_cell("import pandas as pd\npd.DataFrame({'a': [1]})", shows_last=True))
    assert list(frame) == ["text/html", "text/plain"]
    assert b"<table" in frame["text/html"]


FIGURES = """
import matplotlib.pyplot as plt
fig, ax = plt.subplots()
ax.plot([1, 2])
"""


def kinds(outcome):
    return ["image/png" if "image/png" in one else "text/plain" for one in shown(outcome)]


def test_open_figures_are_shown_at_the_end_once(run_cell):
    outcome = run_cell(FIGURES + "plt.figure()\nprint('x')\nfig", shows_last=True)
    assert kinds(outcome) == ["image/png", "image/png"]
    png = outcome.displays[0]["image/png"]
    assert png.startswith(PNG)
    assert b"Software" not in png
    assert run_cell(FIGURES).displays[0]["image/png"] == png


def test_figures_are_shown_where_show_or_display_is_called(run_cell):
    source = FIGURES + "display('before')\nplt.show()\ndisplay('after')\nplt.show()"
    assert kinds(run_cell(source)) == ["text/plain", "image/png", "text/plain"]
    assert kinds(run_cell(FIGURES + "display(fig)\ndisplay('after')")) == [
        "image/png",
        "text/plain",
    ]
    changed = FIGURES + "display(ax)\nax.plot([3])"
    assert kinds(run_cell(changed)) == ["image/png", "image/png"]
    closed = FIGURES + "plt.close()\nfig"
    assert kinds(run_cell(closed, shows_last=True)) == ["image/png"]
    assert kinds(run_cell(closed)) == []
    assert run_cell(FIGURES + "plt.show()").stderr == ""


def test_a_figure_can_be_drawn_on_in_the_next_cell(run_cell):
    made = run_cell(FIGURES, ["fig"])
    assert kinds(made) == ["image/png"]
    outcome = run_cell(
        "fig.axes[0].plot([2, 1])\nn = len(fig.axes[0].lines)\nfig",
        ["n"],
        made.outputs,
        bindings={"fig": {"slot": "fig"}},
        shows_last=True,
    )
    assert kinds(outcome) == ["image/png"]
    assert json.loads(outcome.outputs["n"].data) == 2
    assert outcome.displays[0] != made.displays[0]


def test_a_figure_that_cannot_be_drawn_does_not_fail_the_cell(run_cell):
    outcome = run_cell(FIGURES + "ax.set_title(r'$\\\\nonsense{$')")
    assert kinds(outcome) == ["text/plain"]
    assert "not drawn" in outcome.texts[0]

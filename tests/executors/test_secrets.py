"""Text with secrets hidden is the same however it was cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from strata.core.result import CellFailure, FailureKind
from strata.executors.secrets import MASK, Masker, mask, mask_display, mask_failure, spellings

few = st.text("ab", max_size=24)
secrets = st.lists(st.text("ab", min_size=4, max_size=6), min_size=1, max_size=3).map(
    lambda s: tuple(sorted(set(s), key=lambda t: (-len(t), t)))
)


def hidden(text: str, secrets: tuple[str, ...]) -> str:
    """The obvious way: mark every character of every occurrence, one mask a run of overlaps."""
    spans = sorted(
        (i, i + len(s)) for s in secrets for i in range(len(text)) if text.startswith(s, i)
    )
    shown, position = "", 0
    end = -1
    for start, stop in spans:
        if start >= end:
            shown += text[position:start] + MASK
        position = end = max(end, stop)
    return shown + text[position:]


@given(st.lists(few, max_size=6), secrets)
def test_however_the_text_is_cut_the_same_is_shown(
    pieces: list[str], values: tuple[str, ...]
) -> None:
    masker = Masker(values)
    shown = "".join(masker.feed(p) for p in pieces) + masker.finish()
    assert shown == hidden("".join(pieces), values)


@given(st.lists(few, max_size=6), secrets)
def test_no_secret_is_ever_shown(pieces: list[str], values: tuple[str, ...]) -> None:
    masker = Masker(values)
    shown = "".join(masker.feed(p) for p in pieces) + masker.finish()
    assert not any(s in part for part in shown.split(MASK) for s in values)


def test_text_that_cannot_become_a_secret_is_not_held_back() -> None:
    masker = Masker(("password",))
    assert masker.feed("pass the salt") == "pass the salt"
    assert masker.feed("pass") == ""
    assert masker.feed("ing") == "passing"


def test_short_values_are_not_hidden_and_printed_forms_are() -> None:
    assert spellings(["1", "abc", ""]) == ()
    assert mask('repr: "a\\nsecret"', spellings(["a\nsecret\n"])) == 'repr: "***"'


def test_a_failure_is_hidden_in_all_its_parts_and_a_picture_is_left_alone() -> None:
    known = spellings(["s3cret"])
    failure = CellFailure(FailureKind.EXCEPTION, "E", "s3cret", traceback="x s3cret", hint="s3cret")
    assert "s3cret" not in repr(mask_failure(failure, known))
    assert mask_display("image/svg+xml", b"<s3cret\xff>", known) == b"<***\xff>"
    assert mask_display("image/png", b"s3cret", known) == b"s3cret"

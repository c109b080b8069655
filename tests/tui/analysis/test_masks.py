from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import MASK
from tui.analysis.masks import Edit, Hidden, carry, masks, toggle


def applied(text: str, edit: Edit | None) -> tuple[str, Hidden]:
    assert edit is not None
    return text[: edit.start] + edit.new + text[edit.end :], edit.hidden


@pytest.mark.parametrize("at", [9, 12, 16, 17])
def test_the_word_under_the_cursor_or_before_it_is_masked_and_remembered(at: int) -> None:
    text = "I played baseball today"
    assert applied(text, toggle(text, at, at, ())) == ("I played [MASK] today", ("baseball",))


def test_masking_twice_gives_the_text_back() -> None:
    text = "don't stop"
    once, hidden = applied(text, toggle(text, 2, 2, ()))
    assert (once, hidden) == ("[MASK] stop", ("don't",))
    assert applied(once, toggle(once, 6, 6, hidden)) == (text, ())


def test_a_new_mask_takes_its_place_in_order() -> None:
    text = "a [MASK] c [MASK] e"
    assert applied(text, toggle(text, 9, 9, ("b", None))) == (
        "a [MASK] [MASK] [MASK] e",
        ("b", "c", None),
    )


def test_in_japanese_a_run_of_one_script_is_a_word() -> None:
    text = "羽田空港に到着、トマトを"
    assert applied(text, toggle(text, 1, 1, ()))[1] == ("羽田空港",)
    assert applied(text, toggle(text, 4, 4, ()))[1] == ("に",)
    assert applied(text, toggle(text, 9, 9, ()))[1] == ("トマト",)


def test_a_selection_is_masked_as_it_is() -> None:
    text = "New York is big"
    assert applied(text, toggle(text, 0, 8, ())) == ("[MASK] is big", ("New York",))


def test_there_is_nothing_to_mask_between_words_or_in_an_unknown_mask() -> None:
    assert toggle("a  ...  b", 4, 4, ()) is None
    assert toggle("", 0, 0, ()) is None
    assert toggle("[MASK]", 3, 3, (None,)) is None


def test_typing_around_masks_keeps_what_they_hide() -> None:
    old, hidden = "a [MASK] b [MASK] c", ("x", "y")
    assert carry(hidden, old, "now a [MASK] b [MASK] c") == ("x", "y")
    assert carry(hidden, old, "a [MASK] b and [MASK] c") == ("x", "y")
    assert carry(hidden, old, "a [MASK] b  c") == ("x",)
    assert carry(hidden, old, "a  b [MASK] c") == ("y",)
    assert carry(hidden, old, "a [MASK] [MASK] b [MASK] c") == ("x", None, "y")
    assert carry(hidden, old, "") == ()


@given(
    st.lists(st.sampled_from(["a", " ", MASK]), max_size=8).map("".join),
    st.lists(st.sampled_from(["b", " ", MASK]), max_size=8).map("".join),
)
def test_there_is_always_one_entry_a_mask(old: str, new: str) -> None:
    known = tuple(str(n) for n in range(len(masks(old))))
    assert len(carry(known, old, new)) == len(masks(new))

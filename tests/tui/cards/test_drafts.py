"""Drafts as values: what was typed_since since, and two of them made one."""

from __future__ import annotations

import pytest

from tui.cards.drafts import Draft, merged, typed_since


@pytest.mark.parametrize(
    ("before", "after", "new"),
    [
        ("example", "example", ""),
        ("example", "example and more", " and more"),
        ("example", "an example", "an "),
        ("example", "exam is ple", " is "),
        ("example", "", ""),
        ("example", "own words", "own words"),
        ("", "own words", "own words"),
        ("aa", "aaa", "a"),
    ],
)
def test_what_was_written_since(before: str, after: str, new: str) -> None:
    assert typed_since(before, after) == new


def test_what_is_written_before_the_session_is_read_comes_behind_what_it_holds() -> None:
    began = Draft(model="a", text="example", second="second", hidden=("x",))
    found = Draft(model="b", text="restored", second="other", hidden=("y",), max_tokens=9)
    assert merged(began, began, found) == found
    now = Draft(model="a", text="example!", second="second", hidden=("x",), top=3)
    assert merged(began, now, found) == Draft(
        model="b", text="restored!", second="other", hidden=("y",), max_tokens=9, top=3
    )

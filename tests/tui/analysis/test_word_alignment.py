"""Words of two sides, by hand."""

from __future__ import annotations

from tui.analysis.word_alignment import Both, greatest, same_text, two_texts


def test_words_that_one_side_joins_are_taken_together() -> None:
    one = [("The", 1.0), (" cat", 2.0), ("'s", 3.0), (" tail", 4.0)]
    other = [("The", None), (" cat's", 7.0), (" tail", 1.0)]
    assert same_text(one, other) == [
        Both(("The", "The"), (1.0, None)),
        Both(("cat's", "cat's"), (5.0, 7.0)),
        Both(("tail", "tail"), (4.0, 1.0)),
    ]
    found = same_text(one, other)
    assert [each.difference for each in found] == [None, 2.0, -3.0]
    assert greatest(found, 10) == [2, 1] and greatest(found, 1) == [2]
    assert same_text([], []) == []


def test_versions_share_some_words() -> None:
    one = [("The", 1.0), (" old", 2.0), (" man", 3.0), (".", 1.0)]
    other = [("The", 1.0), (" man", 5.0), (" sat", 2.0), (" down", 4.0), (".", 0.5)]
    assert two_texts(one, other) == [
        Both(("The", "The"), (1.0, 1.0)),
        Both(("old", ""), (2.0, 0.0)),
        Both(("man", "man"), (3.0, 5.0)),
        Both(("", "sat down"), (0.0, 6.0)),
        Both((".", "."), (1.0, 0.5)),
    ]

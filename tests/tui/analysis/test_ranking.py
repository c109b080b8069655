from __future__ import annotations

from tui.analysis.ranking import ranks


def test_who_wins_is_before_who_loses() -> None:
    assert ranks({}) == {}
    assert ranks({"a": ["b"]}) == {"a": 1, "b": 2}
    assert ranks({"a": ["b"], "b": ["c"]}) == {"a": 1, "b": 2, "c": 3}


def test_equals_share_a_rank_and_a_win_over_the_strong_counts_more() -> None:
    assert ranks({"a": ["b"], "b": ["a"]}) == {"a": 1, "b": 1}
    found = ranks({"best": ["x", "y", "z"], "strong": ["best"], "weak": ["z"]})
    assert found["strong"] < found["weak"]

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.analysis.minimal_pairs import Difference, Scored, differences

TOKENS = st.lists(
    st.tuples(st.sampled_from(["the", " key", "s", " are", " is"]), st.floats(-30, 0)), max_size=12
)


def test_tokens_in_common_stand_side_by_side_and_others_together() -> None:
    good: list[Scored] = [("the", -1.0), (" keys", -2.0), (" are", -3.0), (" here", -4.0)]
    bad: list[Scored] = [("the", -1.5), (" keys", -2.0), (" i", -3.0), ("s", -2.5), (" here", -5.0)]
    assert differences(good, bad) == [
        Difference("the", "the", 0.5),
        Difference(" keys", " keys", 0.0),
        Difference(" are", " is", 2.5),
        Difference(" here", " here", 1.0),
    ]


@given(TOKENS, TOKENS)
def test_nothing_is_lost(good: list[Scored], bad: list[Scored]) -> None:
    parts = differences(good, bad)
    assert "".join(part.good for part in parts) == "".join(text for text, _ in good)
    assert "".join(part.bad for part in parts) == "".join(text for text, _ in bad)
    total = sum(score for _, score in good) - sum(score for _, score in bad)
    assert sum(part.difference for part in parts) == pytest.approx(total, abs=1e-9)

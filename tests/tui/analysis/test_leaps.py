"""Where a walk through tokens stops."""

from __future__ import annotations

import pytest

from engine.messages import Token
from tui.analysis.leaps import stops


def tokens(*texts: str) -> list[Token]:
    return [
        Token(branch=0, id=n, text=text, logprob=0, sampled_logprob=0, rank=1, entropy=0)
        for n, text in enumerate(texts)
    ]


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["The", " c", "at", " sat", "."], [0, 1, 3, 4]),
        (["東京", "の", "街", "は", "TO", "KYO", "3", "4", "、"], [0, 1, 2, 3, 4, 6, 8]),
        (["a", "", " b"], [0, 2]),
    ],
)
def test_words_begin_after_spaces_and_where_the_script_changes(
    texts: list[str], expected: list[int]
) -> None:
    assert stops(tokens(*texts), "word") == expected


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["It", " is", ".", " So", "?", '"', " No"], [0, 3, 6]),
        (["3", ".", "5", " m", "."], [0]),
        (["夜", "。", "朝", "！", "」", "昼"], [0, 2, 5]),
        (["One", "\n", "two"], [0, 2]),
    ],
)
def test_sentences_begin_after_their_ends(texts: list[str], expected: list[int]) -> None:
    assert stops(tokens(*texts), "sentence") == expected

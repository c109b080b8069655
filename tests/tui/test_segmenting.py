"""Words and their surprisal."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import Token
from tests.tui.test_alignment import CUTS, cut
from tui.segmenting import Word, segment, words


@given(st.text("ab .\n続きをよむ。カナ１", max_size=40))
def test_segments_joined_are_the_text(text: str) -> None:
    method, segments = segment(text)
    assert "".join(segments) == text
    assert method in ("whitespace", "budoux", "script")


def test_japanese_is_cut_without_spaces_and_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    assert segment("The cat sat.") == ("whitespace", ["The", " cat", " sat."])
    assert segment("今日は天気です。") == ("budoux", ["今日は", "天気です。"])
    monkeypatch.setitem(sys.modules, "budoux", None)
    monkeypatch.setattr("tui.segmenting.find_spec", lambda name: None)
    assert segment("今日は天気です。") == ("script", ["今日", "は", "天気", "です", "。"])


@given(st.text("ab 続き", min_size=1, max_size=30), CUTS)
def test_words_hold_all_tokens_once(text: str, places: list[int]) -> None:
    tokens = cut(text, places)
    found = words(tokens, segment(text)[1])
    assert "".join(word.text for word in found) == text
    total = sum(word.nats or 0 for word in found)
    assert total == pytest.approx(-sum(token.logprob for token in tokens))


def test_words_that_one_token_joins_are_taken_together() -> None:
    tokens = cut("a b c", [3])  # "a b" and " c"
    assert words(tokens, ["a", " b", " c"]) == [Word("a b", 1.0), Word(" c", 2.0)]


def test_how_likely_a_word_ends_can_be_counted_to_it() -> None:
    tokens = [
        Token(
            branch=0,
            id=n,
            text=text,
            logprob=logprob,
            sampled_logprob=0,
            rank=1,
            entropy=0,
            boundary=boundary,
        )
        for n, (text, logprob, boundary) in enumerate(
            [("A", -1.0, -9.0), (" b", -2.0, -0.5), ("c", -3.0, -0.25), (" d", -4.0, -0.125)]
        )
    ]
    found = words(tokens, ["A", " bc", " d"], after=-0.0625)
    assert [word.nats for word in found] == [1 + 0.5, 2 + 3 - 0.5 + 0.125, 4 - 0.125 + 0.0625]
    assert [word.nats for word in words(tokens, ["A", " bc", " d"])][1] == 5 - 0.5 + 0.125

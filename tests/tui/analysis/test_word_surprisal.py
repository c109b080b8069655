"""Words and their surprisal."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from engine.messages import Token
from tests.tui.analysis.test_alignment import CUTS, cut
from tui.analysis.word_surprisal import Word, WordMean, segment, word_mean, words


@given(st.text("ab .\n続きをよむ。カナ１", max_size=40))
def test_segments_joined_are_the_text(text: str) -> None:
    method, segments = segment(text)
    assert "".join(segments) == text
    assert method in ("whitespace", "budoux", "script")


def test_japanese_is_cut_without_spaces_and_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    assert segment("The cat sat") == ("whitespace", ["The", " cat", " sat"])
    assert segment("今日は天気です。") == ("budoux", ["今日は", "天気です", "。"])
    monkeypatch.setitem(sys.modules, "budoux", None)
    monkeypatch.setattr("tui.analysis.word_surprisal.find_spec", lambda name: None)
    assert segment("今日は天気です。") == ("script", ["今日", "は", "天気", "です", "。"])


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("said Mr. O'Neil (twice).", "said| Mr|.| O'Neil| (|twice|)."),
        ("well-known, e.g. 1,000 at 3:45", "well-known|,| e.g|.| 1,000| at| 3:45"),
        ("yes/no—wait... 'tis", "yes|/|no|—|wait|...| '|tis"),
        ("हिन्दी में।", "हिन्दी| में|।"),
        ("「暑い」。 ジョン・スミス", "「|暑い|」。| ジョン・スミス"),
        (" a\n", " a|\n"),
    ],
)
def test_words_carry_no_punctuation(text: str, parts: str) -> None:
    assert segment(text)[1] == parts.split("|")


def test_punctuation_is_no_word_of_the_mean() -> None:
    tokens = cut("a, b.", [1, 2, 4])
    found = words(tokens, segment("a, b.")[1])
    assert [(word.text, word.punctuation) for word in found] == [
        ("a", False),
        (",", True),
        (" b", False),
        (".", True),
    ]
    nats = [word.nats or 0 for word in found]
    assert word_mean(tokens, corrected=False).nats == (nats[0] + nats[2]) / 2


@given(st.text("ab 続き", min_size=1, max_size=30), CUTS)
def test_words_hold_all_tokens_once(text: str, places: list[int]) -> None:
    tokens = cut(text, places)
    found = words(tokens, segment(text)[1])
    assert "".join(word.text for word in found) == text
    total = sum(word.nats or 0 for word in found)
    assert total == pytest.approx(-sum(token.logprob for token in tokens))


def test_words_that_one_token_joins_are_taken_together() -> None:
    tokens = cut("a b c", [3])  # "a b" and " c"
    assert words(tokens, ["a", " b", " c"]) == [
        Word("a b", 1.0, range(1)),
        Word(" c", 2.0, range(1, 2)),
    ]


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
    found = words(tokens, ["A", " bc", " d"], after=-0.0625, corrected=True)
    assert [word.nats for word in found] == [1 + 0.5, 2 + 3 - 0.5 + 0.125, 4 - 0.125 + 0.0625]
    found = words(tokens, ["A", " bc", " d"], corrected=True)
    assert [word.nats for word in found] == [1 + 0.5, 5 - 0.5 + 0.125, None]  # d may go on


def test_the_end_of_a_word_is_not_moved_over_its_punctuation() -> None:
    tokens = [
        structs.replace(token, boundary=-0.5 - n) for n, token in enumerate(cut("a, b.", [1, 2, 4]))
    ]
    plain = words(tokens, segment("a, b.")[1])
    moved = words(tokens, segment("a, b.")[1], after=-0.125, corrected=True)
    changes = [(one.nats or 0) - (other.nats or 0) for one, other in zip(moved, plain, strict=True)]
    assert changes == [0, 2.5, -2.5, 0.125]


def test_the_mean_of_words_says_how_it_came_about() -> None:
    tokens = cut("a b c", [1, 3])
    assert word_mean(tokens, corrected=False) == WordMean("whitespace", 2.0, False)
    assert not word_mean(tokens, corrected=True).corrected  # they do not tell where words begin
    told = [structs.replace(token, boundary=-0.5) for token in tokens]
    whole = word_mean(told, -0.25, corrected=True)
    assert whole.corrected
    assert whole.nats == pytest.approx((1.5 + 2 + 2.75) / 3)
    rest = word_mean(told, -0.25, corrected=False, partial=True)
    assert rest.nats == 2.5
    assert word_mean([], corrected=True).nats is None

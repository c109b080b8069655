"""Lexical cohesion by hand."""

from __future__ import annotations

import math

import pytest

from engine.bench import cohesion


def test_gaps_are_compared_by_the_words_on_both_sides() -> None:
    sentences = ["River water, the river.", "Water in it", "Bread! Bread of flour."]
    # river 2, water 1 against water 1; water 1 against bread 2, flour 1.
    assert cohesion.scores(sentences, 1) == pytest.approx([1 / math.sqrt(5), 0.0])
    # Two sentences to each side where there are two.
    both = 1 / (math.sqrt(5) * math.sqrt(6))
    assert cohesion.scores(sentences, 2) == pytest.approx([both, 0.0])


def test_japanese_is_compared_by_kanji_and_katakana() -> None:
    assert cohesion.scores(["東京のバスです。", "東京へバスで。"], 1) == pytest.approx([1.0])


def test_sentences_without_words_have_nothing_in_common() -> None:
    assert cohesion.scores(["It is.", "So I do."], 3) == [0.0]

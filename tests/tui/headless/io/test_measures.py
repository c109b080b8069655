"""Entropy, its reduction, ranks and normalised figures, by hand."""

from __future__ import annotations

import math

import pytest

from engine.messages import TextEnd, TextScore, TextToken
from tui.analysis.unigrams import Unigrams
from tui.export.text_figures import ScoredText, Unit
from tui.headless.io.measures import Measures
from tui.suites.sentences import joined

LN2 = math.log(2)


def token(text: str, start: int, bits: float | None, rank: int, entropy: float) -> TextToken:
    if bits is None:
        return TextToken(1, text, start, start + len(text))
    return TextToken(1, text, start, start + len(text), -bits * LN2, rank, entropy * LN2)


SENTENCE = joined([1, 2, 3], ["The cats", "", "sat."])
TOKENS = [
    token("The", 0, 2.0, 3, 5.0),
    token(" ca", 3, 4.0, 7, 6.0),
    token("ts", 6, 1.0, 1, 2.0),
    token(" sat", 8, 5.0, 9, 4.5),
    token(".", 12, 1.0, 1, 1.0),
]


class Halves(Unigrams):
    """Round numbers of bits."""

    source = edition = "f"

    def probability(self, word: str) -> float:
        return {"the": 1 / 2, "cats": 1 / 64, "sat": 1 / 32}[word]


UNIGRAMS = Halves()


def read(tokens: list[TextToken], after: TextEnd | None) -> ScoredText:
    score = TextScore(index=0, tokens=tokens, after=after)
    return ScoredText.of(SENTENCE, [None] * 3, score, corrected=False)


def figures(measures: Measures, unit: Unit, tokens: list[TextToken] = TOKENS) -> list[list[object]]:
    after = TextEnd(0.25 * LN2) if measures.causal else None
    rows = list(measures.rows(read(tokens, after), unit))
    assert all(tuple(row) == measures.columns(unit) for row in rows)
    return [
        [round(value, 9) if isinstance(value, float) else value for value in row.values()]
        for row in rows
    ]


def test_uncertainty_under_a_causal_model() -> None:
    measures = Measures(uncertainty=True)
    assert figures(measures, "token") == [[0.0], [4.0], [0.0], [3.5], [0.75]]
    assert figures(measures, "word") == [
        [3, 5.0, 0.0],  # 5 - 6 is no reduction
        [None, 6.0, 1.5],  # from before "ca" to before "sat"
        [9, 4.5, 3.5],
        [1, 1.0, 0.75],
    ]
    assert figures(measures, "region") == [[5.0, 0.5], [None, None], [4.5, 4.25]]
    assert figures(measures, "sentence") == [[3.7]]


def test_uncertainty_under_a_masked_model() -> None:
    measures = Measures(uncertainty=True, causal=False)
    assert figures(measures, "token") == [[]] * 5
    assert figures(measures, "word") == [[3, 5.0], [None, None], [9, 4.5], [1, 1.0]]
    assert figures(measures, "region") == [[]] * 3


def test_what_frequencies_make_of_surprisal() -> None:
    measures = Measures(unigrams=UNIGRAMS)
    assert figures(measures, "word") == [[1.0], [6.0], [5.0], [None]]
    # words have 2 + 5 + 5 = 12 bits, and 1 + 6 + 5 = 12 by frequency
    assert figures(measures, "sentence") == [[12.0, 0.0, -1.0]]
    first = [token("The", 0, None, 0, 0.0), *TOKENS[1:]]
    # without the word that has no figure: 10 bits, and 11 by frequency
    assert figures(measures, "sentence", first) == [
        [11.0, pytest.approx(0.5), pytest.approx(-10 / 11)]
    ]


def test_a_text_of_punctuation_has_none() -> None:
    score = TextScore(index=0, tokens=[token("...", 0, 1.0, 1, 1.0)])
    alone = ScoredText.of(joined([1], ["..."]), [None], score, corrected=False)
    (row,) = Measures(uncertainty=True, unigrams=UNIGRAMS).rows(alone, "sentence")
    assert list(row.values()) == [1.0, None, None, None]


def test_words_that_a_token_joins_count_each_by_itself() -> None:
    tokens = [token("The cats", 0, 6.0, 3, 5.0), token(" sat.", 8, 6.0, 9, 4.5)]
    (row,) = Measures(unigrams=UNIGRAMS).rows(read(tokens, None), "sentence")
    assert list(row.values()) == [12.0, 0.0, -1.0]
    both, sat = Measures(unigrams=UNIGRAMS).rows(read(tokens, None), "word")
    assert (both["unigram_bits"], sat["unigram_bits"]) == (7.0, 5.0)

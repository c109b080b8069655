"""How frequent words are, by hand."""

from __future__ import annotations

import math
import sys
from types import SimpleNamespace

import pytest

from tui.analysis import unigrams
from tui.analysis.unigrams import NoUnigrams


def test_words_of_a_text_are_counted_and_one_is_added() -> None:
    found = unigrams.counted("f", ["The cat, the dog.", "", "A cat's tail"])
    # the 2, cat 1, dog 1, a 1, cat's 1, tail 1: 7 words, 6 different ones
    assert found.bits("THE ") == pytest.approx(-math.log2(3 / 14))
    assert found.bits("tail") == pytest.approx(-math.log2(2 / 14))
    assert found.bits("bird") == pytest.approx(-math.log2(1 / 14))
    assert found.source == "f"


def test_a_list_of_words_with_their_counts() -> None:
    found = unigrams.listed("f", [(2, "The", "5"), (3, "the", " 2"), (4, "cat", "0")])
    assert found.bits("the") == pytest.approx(-math.log2(8 / 10))
    for wrong in ("1.5", "", "x"):
        with pytest.raises(NoUnigrams, match="line 9"):
            unigrams.listed("f", [(9, "the", wrong)])
    with pytest.raises(NoUnigrams):
        unigrams.counted("f", ["...", ""])


def test_published_frequencies(monkeypatch: pytest.MonkeyPatch) -> None:
    def word_frequency(word: str, language: str, minimum: float) -> float:
        if language == "ja":
            raise ModuleNotFoundError("No module named 'MeCab'")
        return {"the": 0.5}.get(word, minimum)

    fake = SimpleNamespace(
        available_languages=lambda: {"en": "", "ja": ""}, word_frequency=word_frequency
    )
    monkeypatch.setitem(sys.modules, "wordfreq", fake)
    found = unigrams.Published("en")
    assert (found.bits("The"), found.source) == (1.0, "wordfreq:en")
    assert found.bits("zzz") == pytest.approx(-math.log2(1e-8))
    for language, why in (("xx", "has no list"), ("ja", "needs another package")):
        with pytest.raises(NoUnigrams, match=why):
            unigrams.Published(language)
    monkeypatch.setitem(sys.modules, "wordfreq", None)
    with pytest.raises(NoUnigrams, match="not installed"):
        unigrams.Published("en")

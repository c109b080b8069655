"""How frequent each word is by itself: its unigram probability."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tui.analysis.scripts import letter
from tui.analysis.word_surprisal import segment
from tui.strings import text


class NoUnigrams(ValueError):
    """There are no frequencies; the message says why, for the user."""


@dataclass(frozen=True)
class Unigrams:
    """The probability of words, whose capitals do not count."""

    source: str
    """Where they are from, for the description of a table."""
    probability: Callable[[str], float]

    def bits(self, word: str) -> float:
        """A word's surprisal by its frequency alone."""
        return -math.log2(self.probability(word.strip().casefold()))


def counted(source: str, lines: Iterable[str]) -> Unigrams:
    """Those of a text, whose words are found as in surprisal by words.

    Raises:
        NoUnigrams: it has no words.
    """
    words = (word.strip().casefold() for line in lines for word in segment(line)[1])
    return smoothed(source, Counter(word for word in words if any(map(letter, word))))


def listed(source: str, rows: Iterable[tuple[int, str, str]]) -> Unigrams:
    """Those of a list: the number of a line, its word and how often that was counted.

    Raises:
        NoUnigrams: a count is no whole number, or there is no word.
    """
    counts: Counter[str] = Counter()
    for line, word, count in rows:
        if not count.strip().isdecimal():
            reason = text("cli.no_count", count=count.strip())
            raise NoUnigrams(text("tables.row", line=line, reason=reason))
        counts[word.strip().casefold()] += int(count)
    return smoothed(source, counts)


def smoothed(source: str, counts: Mapping[str, int]) -> Unigrams:
    """Those of counted words: (count + 1) / (all counts + different words + 1).

    The last 1 is the share of all words that were not seen.

    Raises:
        NoUnigrams: nothing is counted.
    """
    if not counts:
        raise NoUnigrams(text("cli.no_words_counted"))
    total = sum(counts.values()) + len(counts) + 1
    return Unigrams(source, lambda word: (counts.get(word, 0) + 1) / total)


def published(language: str) -> Unigrams:
    """Those of the package `wordfreq` (Speer 2022), which the extra ``frequency`` installs.

    A word that its list lacks has the probability of the rarest words there, 1e-8.

    Raises:
        NoUnigrams: it is not installed, or has no list for this language.
    """
    try:
        import wordfreq
    except ImportError:
        raise NoUnigrams(text("cli.no_wordfreq")) from None
    if language not in wordfreq.available_languages():
        raise NoUnigrams(text("cli.no_wordfreq_language", language=language))

    def probability(word: str) -> float:
        return float(wordfreq.word_frequency(word, language, minimum=1e-8))

    try:
        probability("a")
    except ImportError:  # some languages need another package
        raise NoUnigrams(text("cli.wordfreq_needs_more", language=language)) from None
    return Unigrams(f"wordfreq:{language}", probability)

"""How frequent each word is by itself: its unigram probability."""

from __future__ import annotations

import hashlib
import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from importlib import metadata

import msgspec

from tui.analysis.scripts import letter
from tui.analysis.word_surprisal import segment
from tui.strings import text


class NoUnigrams(ValueError):
    """There are no frequencies; the message says why, for the user."""


class Unigrams(ABC):
    """The probability of words, whose capitals do not count. It can be pickled."""

    source: str
    """Where they are from, for the description of a table."""

    @abstractmethod
    def probability(self, word: str) -> float:
        """That of a word in small letters."""

    @property
    @abstractmethod
    def edition(self) -> str:
        """What differs where the probabilities do, while their source has the same name."""

    def bits(self, word: str) -> float:
        """A word's surprisal by its frequency alone."""
        return -math.log2(self.probability(word.strip().casefold()))


class Counted(Unigrams):
    """Those of counted words: (count + 1) / (all counts + different words + 1).

    The last 1 is the share of all words that were not seen.
    """

    def __init__(self, source: str, counts: Mapping[str, int]) -> None:
        """Take the counts of words.

        Raises:
            NoUnigrams: nothing is counted.
        """
        if not counts:
            raise NoUnigrams(text("cli.no_words_counted"))
        self.source = source
        self._counts = counts
        self._total = sum(counts.values()) + len(counts) + 1

    def probability(self, word: str) -> float:
        """(count + 1) / total."""
        return (self._counts.get(word, 0) + 1) / self._total

    @property
    def edition(self) -> str:
        """The SHA-256 of the counts, shortened."""
        digest = hashlib.sha256(msgspec.json.encode(sorted(self._counts.items())))
        return digest.hexdigest()[:12]


class Published(Unigrams):
    """Those of the package `wordfreq` (Speer 2022), which the extra ``frequency`` installs.

    A word that its list lacks has the probability of the rarest words there, 1e-8.
    """

    def __init__(self, language: str) -> None:
        """Use the list of a language.

        Raises:
            NoUnigrams: it is not installed, or has no list for this language.
        """
        try:
            import wordfreq
        except ImportError:
            raise NoUnigrams(text("cli.no_wordfreq")) from None
        if language not in wordfreq.available_languages():
            raise NoUnigrams(text("cli.no_wordfreq_language", language=language))
        self.source = f"wordfreq:{language}"
        self._language = language
        try:
            self.probability("a")
        except ImportError:  # some languages need another package
            raise NoUnigrams(text("cli.wordfreq_needs_more", language=language)) from None

    def probability(self, word: str) -> float:
        """That of the list."""
        import wordfreq

        return float(wordfreq.word_frequency(word, self._language, minimum=1e-8))

    @property
    def edition(self) -> str:
        """The version of the package."""
        return metadata.version("wordfreq")


def counted(source: str, lines: Iterable[str]) -> Unigrams:
    """Those of a text, whose words are found as in surprisal by words.

    Raises:
        NoUnigrams: it has no words.
    """
    words = (word.strip().casefold() for line in lines for word in segment(line)[1])
    return Counted(source, Counter(word for word in words if any(map(letter, word))))


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
    return Counted(source, counts)

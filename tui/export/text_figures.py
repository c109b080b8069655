"""The figures of a scored text, by token, word, region or as a whole, as cells of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from engine.messages import TextEnd, TextScore, TextToken, Token
from tui.analysis.heat import bits
from tui.analysis.scripts import letter
from tui.analysis.word_alignment import Measured
from tui.analysis.word_surprisal import Method, Word, segment, words
from tui.files.tables import Value
from tui.suites.sentences import Sentence

Unit = Literal["token", "word", "region", "sentence"]
Figures = dict[str, Value]

COLUMNS: dict[Unit, tuple[str, ...]] = {
    "token": ("position", "token", "surprisal_bits", "rank", "entropy_bits"),
    "word": ("position", "word", "surprisal_bits", "tokens", "punctuation"),
    "region": ("region", "name", "content", "surprisal_bits", "tokens"),
    "sentence": ("surprisal_bits", "tokens", "bits_per_token", "words", "bits_per_word"),
}
"""What is added to the columns that are there. Positions count from 1; tokens of a sentence, and
its words, are those that were scored."""


@dataclass(frozen=True)
class ScoredText:
    """A text that was scored, cut into words."""

    sentence: Sentence
    names: Sequence[str | None]
    """What each region is called."""
    tokens: list[TextToken]
    """Of which the first may have no figures."""
    words: list[Word]
    method: Method
    corrected: bool
    """Whether the end of each word is counted with it; see `word_surprisal.words`."""
    after: TextEnd | None
    """What was expected after it, where that was asked for."""
    segments: list[str]
    """Its words as they are before any are taken together for one of its tokens."""

    @classmethod
    def of(
        cls, sentence: Sentence, names: Sequence[str | None], score: TextScore, *, corrected: bool
    ) -> ScoredText:
        """Cut the text of a score into words.

        Raises:
            NoBoundaries: the ends of words are asked for, and there are no spaces between them.
        """
        method, segments = segment(sentence.text)
        if corrected and method != "whitespace":
            raise NoBoundaries
        counted = [
            Token(
                branch=0,
                id=token.id,
                text=part,
                logprob=token.logprob or 0.0,
                sampled_logprob=0.0,
                rank=1,
                entropy=0.0,
                boundary=token.boundary,
            )
            for token, part in zip(score.tokens, _parts(sentence.text, score.tokens), strict=True)
        ]
        after = None if score.after is None else score.after.boundary
        found = words(counted, segments, after, corrected=corrected)
        return cls(sentence, names, score.tokens, found, method, corrected, score.after, segments)

    @property
    def measured(self) -> list[Measured]:
        """Its words and spaces, with their surprisal."""
        return [(word.text, self.surprisal(word)) for word in self.words]

    @property
    def shown(self) -> list[Word]:
        """Its words and punctuation, of which each has a row."""
        return [word for word in self.words if word.text.strip()]

    @property
    def counted(self) -> list[Word]:
        """The words that count in a mean: those with a figure, without punctuation."""
        return [
            word for word in self.words if not word.punctuation and self.surprisal(word) is not None
        ]

    def apart(self) -> Iterator[list[str]]:
        """The words, without punctuation, that each of `words` holds."""
        left = iter(self.segments)
        for word in self.words:
            inside = [next(left)]
            while sum(map(len, inside)) < len(word.text):
                inside.append(next(left))
            yield [part.strip() for part in inside if any(map(letter, part))]

    @property
    def by_region(self) -> list[list[int]]:
        """The tokens of each region, by their numbers."""
        own: list[list[int]] = [[] for _ in self.sentence.regions]
        for number, token in enumerate(self.tokens):
            own[self.sentence.region(token.start)].append(number)
        return own

    def rows(self, unit: Unit) -> Iterator[Figures]:
        """The new cells of the text's rows."""
        match unit:
            case "token":
                for position, token in enumerate(self.tokens, 1):
                    yield {
                        "position": position,
                        "token": token.text,
                        "surprisal_bits": _surprisal(token),
                        "rank": token.rank,
                        "entropy_bits": _bits(token.entropy),
                    }
            case "word":
                for position, word in enumerate(self.shown, 1):
                    yield {
                        "position": position,
                        "word": word.text.strip(),
                        "surprisal_bits": self.surprisal(word),
                        "tokens": len(word.tokens),
                        "punctuation": word.punctuation,
                    }
            case "region":
                yield from self._regions()
            case "sentence":
                known = [each for each in map(_surprisal, self.tokens) if each is not None]
                counted = [self.surprisal(word) or 0.0 for word in self.counted]
                yield {
                    "surprisal_bits": math.fsum(known) if known else None,
                    "tokens": len(known),
                    "bits_per_token": math.fsum(known) / len(known) if known else None,
                    "words": len(counted),
                    "bits_per_word": math.fsum(counted) / len(counted) if counted else None,
                }

    def _regions(self) -> Iterator[Figures]:
        own = self.by_region
        sums = self.sentence.surprisals(self.tokens)
        for place, number in enumerate(self.sentence.numbers):
            filled = self.sentence.starts[place] is not None
            yield {
                "region": number,
                "name": self.names[place],
                "content": self.sentence.regions[place],
                "surprisal_bits": sums[place] if filled else None,
                "tokens": len(own[place]),
            }

    def surprisal(self, word: Word) -> float | None:
        """A word's surprisal; None where one of its tokens has none."""
        found = [_surprisal(self.tokens[number]) for number in word.tokens]
        known = [each for each in found if each is not None]
        if len(known) < len(found):
            return None
        return _bits(word.nats) if self.corrected else math.fsum(known)


class NoBoundaries(Exception):
    """The words of a text have no spaces between them."""


def _bits(nats: float | None) -> float | None:
    return None if nats is None else bits(nats)


def _surprisal(token: TextToken) -> float | None:
    return None if token.logprob is None else bits(-token.logprob)


def _parts(written: str, tokens: list[TextToken]) -> list[str]:
    """The text of each token, which joined are the whole text.

    A character of several tokens is the last one's, as in a text that is continued.
    """
    inner = [
        after.start if after.start < token.end else token.end for token, after in pairwise(tokens)
    ]
    cuts = [0, *inner, len(written)]
    return [written[start:end] for start, end in pairwise(cuts)]

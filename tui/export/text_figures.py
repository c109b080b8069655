"""The figures of a scored text, by token, word or as a whole, as cells of a table."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from engine.messages import TextToken, Token
from tui.analysis.heat import bits
from tui.analysis.word_surprisal import Method, Word, segment, words
from tui.files.tables import Value

Unit = Literal["token", "word", "sentence"]

COLUMNS: dict[Unit, tuple[str, ...]] = {
    "token": ("position", "token", "surprisal_bits", "rank", "entropy_bits"),
    "word": ("position", "word", "surprisal_bits", "tokens", "punctuation"),
    "sentence": ("surprisal_bits", "tokens", "bits_per_token", "words", "bits_per_word"),
}
"""What is added to the columns that are there. Positions count from 1; tokens of a sentence, and
its words, are those that were scored."""


@dataclass(frozen=True)
class ScoredText:
    """A text that was scored, cut into words."""

    tokens: list[TextToken]
    words: list[Word]
    method: Method

    @classmethod
    def of(cls, written: str, tokens: list[TextToken]) -> ScoredText:
        """Cut the text of these tokens, of which the first may have no figures."""
        method, segments = segment(written)
        counted = [
            Token(
                branch=0,
                id=token.id,
                text=part,
                logprob=token.logprob or 0.0,
                sampled_logprob=0.0,
                rank=1,
                entropy=0.0,
            )
            for token, part in zip(tokens, _parts(written, tokens), strict=True)
        ]
        return cls(tokens, words(counted, segments), method)

    def rows(self, unit: Unit) -> Iterator[dict[str, Value]]:
        """The new cells of the text's rows."""
        match unit:
            case "token":
                for position, token in enumerate(self.tokens, 1):
                    yield {
                        "position": position,
                        "token": token.text,
                        "surprisal_bits": _surprisal(token),
                        "rank": token.rank,
                        "entropy_bits": None if token.entropy is None else bits(token.entropy),
                    }
            case "word":
                shown = [word for word in self.words if word.text.strip()]
                for position, word in enumerate(shown, 1):
                    yield {
                        "position": position,
                        "word": word.text.strip(),
                        "surprisal_bits": self._bits(word),
                        "tokens": len(word.tokens),
                        "punctuation": word.punctuation,
                    }
            case "sentence":
                known = [each for each in map(_surprisal, self.tokens) if each is not None]
                whole = [self._bits(word) for word in self.words if not word.punctuation]
                counted = [each for each in whole if each is not None]
                yield {
                    "surprisal_bits": math.fsum(known) if known else None,
                    "tokens": len(known),
                    "bits_per_token": math.fsum(known) / len(known) if known else None,
                    "words": len(counted),
                    "bits_per_word": math.fsum(counted) / len(counted) if counted else None,
                }

    def _bits(self, word: Word) -> float | None:
        """A word's surprisal; None where one of its tokens has none."""
        found = [_surprisal(self.tokens[number]) for number in word.tokens]
        known = [each for each in found if each is not None]
        return math.fsum(known) if len(known) == len(found) else None


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

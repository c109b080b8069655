"""Cutting a text into words, whatever its language, and their surprisal.

A word's surprisal is the sum of its tokens'. Where a token reaches over a word's end, the words are
taken together: nothing is divided by guess.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate, pairwise
from typing import Literal

from engine.messages import Token
from tui.analysis.mask_words import unspaced
from tui.analysis.scripts import JAPANESE, RUN

Method = Literal["whitespace", "budoux", "script"]
"""``whitespace``: what stands between spaces, punctuation included. ``budoux``: phrases of Japanese
by BudouX (https://github.com/google/budoux), which the optional extra ``japanese`` installs.
``script``: runs of one Japanese script, where it is not there."""

_SCRIPTS = re.compile(rf"{RUN}|\s+|[^{JAPANESE}\s]+")
_SPACED = re.compile(r"\s*\S+|\s+")


@dataclass(frozen=True)
class Word:
    """A word, or several that one token joins, with the surprisal of its tokens in nats.

    None where a token of it was not scored.
    """

    text: str
    nats: float | None


def segment(text: str) -> tuple[Method, list[str]]:
    """The words of a text, which joined are the text again, and how they were found."""
    if not unspaced(text):
        return "whitespace", _SPACED.findall(text)
    if find_spec("budoux") is not None:
        import budoux

        return "budoux", list(budoux.load_default_japanese_parser().parse(text))
    return "script", _SCRIPTS.findall(text)


def words(
    tokens: Sequence[Token],
    segments: Sequence[str],
    after: float | None = None,
    *,
    corrected: bool = False,
) -> list[Word]:
    """The surprisal of each word of the text that these tokens make up.

    `corrected` needs the probability that a new word begins before each token (`Token.boundary`)
    and, for the end of the text, `after`: it is moved from the beginning of each word to the end
    of the word before it (Pimentel & Meister 2024, Oh & Schuler 2024)::

        -log p(w) = -sum log p(t) + log p(word begins | before w) - log p(word begins | w)

    Nothing is moved from the first word; a last word that may go on has no figure.
    """
    ends = list(accumulate(len(token.text) for token in tokens))
    places = {0: 0}
    for number, end in enumerate(ends, 1):
        places.setdefault(end, number)
    if ends:
        places[ends[-1]] = len(ends)
    bounds = [place for place in (0, *accumulate(map(len, segments))) if place in places]
    text = "".join(token.text for token in tokens)
    found = []
    for start, end in pairwise(bounds):
        inside = tokens[places[start] : places[end]]
        nats: float | None = -sum(token.logprob for token in inside)
        if corrected and nats is not None:
            begins = tokens[places[start]].boundary if start else 0.0
            follows = tokens[places[end]].boundary if places[end] < len(tokens) else after
            nats = None if begins is None or follows is None else nats + begins - follows
        found.append(Word(text[start:end], nats))
    return found


@dataclass(frozen=True)
class WordMean:
    """The mean over the words of a text."""

    method: Method
    nats: float | None
    """The mean surprisal of those that were scored; None where none was."""
    corrected: bool
    """Whether the end of each word is counted as part of it."""


def word_mean(
    tokens: Sequence[Token], after: float | None = None, *, corrected: bool, partial: bool = False
) -> WordMean:
    """The mean surprisal of a text's words, `corrected` where that can be.

    `partial` leaves out the first word, of which not every token was scored.
    """
    method, segments = segment("".join(token.text for token in tokens))
    measured = all(token.boundary is not None for token in tokens)
    corrected = corrected and measured and method == "whitespace"
    found = words(tokens, segments, after, corrected=corrected)[partial:]
    scored = [word.nats for word in found if word.nats is not None]
    mean = math.fsum(scored) / len(scored) if scored else None
    return WordMean(method, mean, corrected)

"""Cutting a text into words, whatever its language, and their surprisal.

A word's surprisal is the sum of its tokens'. Where a token reaches over a word's end, the words are
taken together: nothing is divided by guess. Punctuation stands apart, and is no word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from itertools import accumulate, pairwise
from typing import Literal

from engine.messages import Token
from tui.analysis.mask_words import unspaced
from tui.analysis.scripts import JAPANESE, RUN, letter

Method = Literal["whitespace", "budoux", "script"]
"""``whitespace``: what stands between spaces. ``budoux``: phrases of Japanese
by BudouX (https://github.com/google/budoux), which the optional extra ``japanese`` installs.
``script``: runs of one Japanese script, where it is not there."""

_SCRIPTS = re.compile(rf"{RUN}|\s+|[^{JAPANESE}\s]+")
_JOINING = "'’.-‐‑_@·・"  # between two letters: O'Neil, e.g., well-known
_JOINING_DIGITS = ",:/"  # between two digits: 1,000
_PARTS = re.compile(
    rf" *(?:[ld]+(?:[{re.escape(_JOINING)}][ld]+|(?<=d)[{_JOINING_DIGITS}]d[ld]*)*|[^ld ]+)| +"
)
"""A word or a run of punctuation, with the space before it, in the outline of a text."""


@dataclass(frozen=True)
class Word:
    """A word, several that one token joins, or a run of punctuation; with the space before it."""

    text: str
    nats: float | None
    """The surprisal of its tokens; None where one of them was not scored."""
    tokens: range
    """The tokens that make it up."""

    @property
    def punctuation(self) -> bool:
        """Whether no word is in it."""
        return not any(map(letter, self.text))


def segment(text: str) -> tuple[Method, list[str]]:
    """The words and punctuation of a text, which joined are the text, and how they were found."""
    method: Method = "whitespace"
    runs = [text]
    if unspaced(text) and find_spec("budoux") is not None:
        method, runs = "budoux", _phrases()(text)
    elif unspaced(text):
        method, runs = "script", _SCRIPTS.findall(text)
    parts: list[str] = []
    for part in (part for run in runs for part in _parts(run)):
        if parts and parts[-1].isspace():
            parts[-1] += part  # a space belongs to what is after it
        else:
            parts.append(part)
    return method, parts


@cache
def _phrases() -> Callable[[str], list[str]]:
    """BudouX's parser of Japanese, whose model is read once."""
    import budoux

    parse: Callable[[str], list[str]] = budoux.load_default_japanese_parser().parse
    return parse


def _parts(run: str) -> list[str]:
    """Cut words and punctuation apart."""
    outline = "".join(map(_outlined, run))
    return [run[found.start() : found.end()] for found in _PARTS.finditer(outline)]


def _outlined(character: str) -> str:
    """One character for another of its kind: a space, a digit, a letter, or itself."""
    if character.isspace():
        return " "
    if character.isdecimal():
        return "d"
    return "l" if letter(character) else character


def words(
    tokens: Sequence[Token],
    segments: Sequence[str],
    after: float | None = None,
    *,
    corrected: bool = False,
) -> list[Word]:
    """The surprisal of each word and run of punctuation of the text that these tokens make up.

    `corrected` needs the probability that a new word begins before each token (`Token.boundary`)
    and, for the end of the text, `after`: it is moved from the beginning of each word to the end
    of the word before it (Pimentel & Meister 2024, Oh & Schuler 2024)::

        -log p(w) = -sum log p(t) + log p(word begins | before w) - log p(word begins | w)

    A word begins after a space, so nothing is moved between a word and the punctuation at it, nor
    from the first word; a last word that may go on has no figure.
    """
    ends = list(accumulate(len(token.text) for token in tokens))
    places = {0: 0}
    for number, end in enumerate(ends, 1):
        places.setdefault(end, number)
    if ends:
        places[ends[-1]] = len(ends)
    bounds = [place for place in (0, *accumulate(map(len, segments))) if place in places]
    text = "".join(token.text for token in tokens)

    def begin(place: int) -> float | None:
        return tokens[places[place]].boundary if text[place : place + 1].isspace() else 0.0

    found = []
    for start, end in pairwise(bounds):
        inside = tokens[places[start] : places[end]]
        nats: float | None = -sum(token.logprob for token in inside)
        if corrected and nats is not None:
            begins = begin(start) if start else 0.0
            follows = begin(end) if places[end] < len(tokens) else after
            nats = None if begins is None or follows is None else nats + begins - follows
        found.append(Word(text[start:end], nats, range(places[start], places[end])))
    return found


@dataclass(frozen=True)
class WordMean:
    """The mean over the words of a text, without its punctuation."""

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
    scored = [word.nats for word in found if word.nats is not None and not word.punctuation]
    mean = math.fsum(scored) / len(scored) if scored else None
    return WordMean(method, mean, corrected)

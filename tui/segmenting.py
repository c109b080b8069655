"""Cutting a text into words, whatever its language, and their surprisal.

A word's surprisal is the sum of its tokens'. Where a token reaches over a word's end, the words are
taken together: nothing is divided by guess.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import accumulate, pairwise
from typing import Literal

from engine.messages import Token
from tui.words import unspaced

Method = Literal["whitespace", "budoux", "script"]
"""``whitespace``: what stands between spaces, punctuation included. ``budoux``: phrases of Japanese
by BudouX (https://github.com/google/budoux), which the optional extra ``japanese`` installs.
``script``: runs of one Japanese script, where it is not there."""

_SCRIPTS = re.compile(
    r"[\u4e00-\u9fff\u3005]+|[\u3041-\u309f]+|[\u30a1-\u30ff]+|\s+"
    r"|[^\u4e00-\u9fff\u3005\u3041-\u309f\u30a1-\u30ff\s]+"
)
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
    tokens: Sequence[Token], segments: Sequence[str], after: float | None = None
) -> list[Word]:
    """The surprisal of each word of a text that these tokens are.

    Where tokens tell how likely a new word begins before them (`Token.boundary`), and `after` says
    so for the end, that is moved from the beginning of each word to the end of the word before it
    (Pimentel & Meister 2024, Oh & Schuler 2024)::

        -log p(w) = -sum log p(t) + log p(word begins | before w) - log p(word begins | w)

    The first word has nothing before it to end, and gives nothing away.
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
        nats = -sum(token.logprob for token in inside)
        begins = tokens[places[start]].boundary if start and places[start] < len(tokens) else 0.0
        follows = tokens[places[end]].boundary if places[end] < len(tokens) else after
        if begins is not None and follows is not None:
            nats += begins - follows
        found.append(Word(text[start:end], nats))
    return found

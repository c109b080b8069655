"""One text under two models: their surprisal over the smallest spans whose ends both share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from engine.messages import Token


@dataclass(frozen=True)
class Stretch:
    """A span of the text, in characters, and the tokens of each side that make it up."""

    start: int
    end: int
    one: tuple[int, int]
    """First token and the one after the last, of the first side."""
    other: tuple[int, int]
    nats: tuple[float, float]
    """The surprisal of the span on each side."""

    @property
    def difference(self) -> float:
        """How much more the second side was surprised, in nats."""
        return self.nats[1] - self.nats[0]


def align(one: Sequence[Token], other: Sequence[Token], skipped: int = 0) -> list[Stretch]:
    """Cut a text where tokens of both sides end.

    The texts must be the same, but for `skipped` characters with which the first side begins and
    the second does not, as where one model has no start token and cannot score its first token;
    negative, where it is the second one that begins with them. These are left out.

    A token that ends inside a character counts as ending after it, with the token that completes
    it.
    """
    ends = [list(accumulate(len(token.text) for token in side)) for side in (one, other)]
    shift = (0, skipped) if skipped > 0 else (-skipped, 0)
    places = [_boundaries(end, moved) for end, moved in zip(ends, shift, strict=True)]
    shared = sorted(places[0].keys() & places[1].keys())
    stretches = []
    for start, end in pairwise(shared):
        first, second = ((place[start], place[end]) for place in places)
        nats = (_surprisal(one, first), _surprisal(other, second))
        stretches.append(Stretch(start, end, first, second, nats))
    return stretches


def _boundaries(ends: Sequence[int], shift: int) -> dict[int, int]:
    """For every place between characters where a token ends, the number of tokens before it.

    A token without text belongs to the character that a later token completes, so the first count
    of a place is kept; at the end of the text there is no later one.
    """
    places = {shift: 0}
    for number, end in enumerate(ends, 1):
        places.setdefault(end + shift, number)
    if ends:
        places[ends[-1] + shift] = len(ends)
    return places


def _surprisal(tokens: Sequence[Token], part: tuple[int, int]) -> float:
    return -sum(token.logprob for token in tokens[part[0] : part[1]])

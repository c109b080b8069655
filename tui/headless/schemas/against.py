"""The JSON of `tsuzuki surprisal --against` and `--against-text`."""

from __future__ import annotations

from msgspec import Struct


class AgainstSide(Struct, frozen=True, kw_only=True):
    """One of the two: a text under a model. `bits` is the surprisal of all that was scored."""

    model: str
    text: str
    start: str | None
    bits: float
    revision: str
    precision: str
    weights: str


class AgainstWord(Struct, frozen=True, kw_only=True):
    """A word on both sides, or words that are not the same or that a token of one side joins.

    Bits are None where a token has no figure; an empty text has 0.
    """

    texts: tuple[str, str]
    bits: tuple[float | None, float | None]
    difference: float | None
    """The second less the first."""


class AgainstDocument(Struct, frozen=True, kw_only=True):
    """Words in the text's order; `greatest` are those that differ most, by their index."""

    sides: tuple[AgainstSide, AgainstSide]
    words: list[AgainstWord]
    greatest: list[int]
    word_boundary: bool

"""The JSON of `tsuzuki compare --json`."""

from __future__ import annotations

from msgspec import Struct


class ComparedModel(Struct, frozen=True, kw_only=True):
    """One side of a comparison."""

    model: str
    bos: str | None
    tokens: int
    bits: float
    revision: str
    precision: str
    weights: str = ""


class ComparedSpan(Struct, frozen=True, kw_only=True):
    """A span that both models cut the text at, with its surprisal on each side.

    `difference` is that of the second model less that of the first.
    """

    start: int
    end: int
    text: str
    bits: tuple[float, float]
    difference: float


class CompareDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki compare --json`; `spans` are in the text's order.

    `greatest` names those that differ most by their index.
    """

    models: list[ComparedModel]
    spans: list[ComparedSpan]
    greatest: list[int]

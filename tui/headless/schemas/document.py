"""The JSON of `tsuzuki document --json`."""

from __future__ import annotations

from msgspec import Struct

from engine.messages import Precision, Witness, WitnessName


class SentenceDocument(Struct, frozen=True):
    """A sentence of a text, and its place there."""

    text: str
    start: int
    end: int


class GapDocument(Witness, frozen=True, kw_only=True):
    """How well a sentence follows the one before; `score` is the figure of the chosen witness."""

    reversed: Witness
    score: float | None
    depth: float | None


class CoherenceDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki document --json`.

    `boundaries` and `reference` name gaps: i is the one after ``sentences[i]``. What was not asked
    for is left out: `pk`, `window_diff` and `window` without a reference, the rest without its
    option. ``matrix[i][j]`` is the score of sentence j right after i; `order` names sentences.
    """

    model: str
    witness: WitnessName
    sentences: list[SentenceDocument]
    gaps: list[GapDocument]
    boundaries: list[int]
    reference: list[int]
    coherence: float
    threshold: float
    precision: Precision
    weights: str = ""
    pk: float | None = None
    window_diff: float | None = None
    window: int | None = None
    percentile: float | None = None
    shuffles: int = 0
    matrix: list[list[float | None]] = []
    order: list[int] = []
    order_coherence: float | None = None
    order_exact: bool = False

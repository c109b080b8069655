"""The JSON of `tsuzuki pairs --json`."""

from __future__ import annotations

from msgspec import Struct

from tui.analysis.minimal_pairs import Difference
from tui.headless.schemas.pair_error import PairErrorDocument


class PairsRow(Struct, frozen=True, kw_only=True):
    """One pair of sentences; the differences of its tokens add up to `difference`, in nats."""

    good: str
    bad: str
    good_logprob: float
    bad_logprob: float
    difference: float
    correct: bool
    tokens: list[Difference]


class PairsDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki pairs --json`; `method` is that of `pll`, or ``causal``. A tie is not correct."""

    model: str
    method: str
    accuracy: float | None
    """Of the rows that could be scored; None where there is none."""
    rows: list[PairsRow]
    errors: list[PairErrorDocument] = []
    """The rows of the file that could not be scored."""

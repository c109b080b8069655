"""The JSON of `tsuzuki fill --json`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from engine.messages import Candidate, Hidden, JointMethod, PairTable, Piece, Precision


class MaskDocument(Struct, frozen=True, kw_only=True):
    """The answers for one mask."""

    position: int
    candidates: list[Candidate]
    hidden: Hidden | None


class WordDocument(Struct, frozen=True, kw_only=True):
    """A whole word at a mask; `pieces` counts them, `mask` counts from 1."""

    text: str
    pieces: int
    logprob: float | None
    rank: int | None
    mask: int


class JointDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One filling of all masks; `method` is there where several were asked for.

    `ratio` is the score by which ``hcb`` ranks: a log-ratio, which may exceed 0.
    """

    words: list[str]
    logprob: float
    ratio: float | None = None
    method: JointMethod | None = None


class FillDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki fill --json`; `text` has its masks in place, and tokens count in it.

    What was not asked for is left out: `words`, `whole`, `joint`, and `table`, which comes with
    `joint` where there are two masks.
    """

    model: str
    method: Literal["mlm", "causal"]
    text: str
    tokens: list[Piece]
    masks: list[MaskDocument]
    pool: int | None
    precision: Precision
    weights: str = ""
    words: list[WordDocument] = []
    whole: list[WordDocument] = []
    joint: list[JointDocument] = []
    table: PairTable | None = None

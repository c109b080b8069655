"""The JSON document of a scored pair: its fields, in the order in which they are printed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, assert_never

import msgspec
from msgspec import UNSET, Struct, UnsetType, structs

from engine.messages import (
    CosineResult,
    NspDirection,
    NspResult,
    Piece,
    PmiDirection,
    PmiResult,
    Precision,
    ScoredToken,
    ScoreResult,
    Shuffled,
    SopDirection,
    SopResult,
    Trimmed,
    Verdict,
)
from tui.render.verdicts import verdict as sentence


class VerdictDocument(Struct, frozen=True):
    """The verdict of all witnesses; `told` is the same in a sentence."""

    topic: str | None
    order: str | None
    told: str


class ScoreDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki score --json`: a model's main witness, with its `cosine` where that was asked for.

    `beside` holds the same of the models of ``--with``. A line of ``--file`` has an `index`, the
    pair's place, from 0.
    """

    model: str
    method: Literal["nsp", "sop", "pmi", "cosine"]
    verdict: VerdictDocument | None = None
    """Of all witnesses, on the first model's document alone."""
    cosine: float | None = None
    cosine_shuffled: Shuffled | None = None
    shuffled: Shuffled | None = None
    """How the main figure ranks among shuffled pairs: `margin`, `bits_per_token`, or `cosine`."""
    trimmed: Trimmed | None = None
    beside: list[ScoreDocument] = []
    index: int | UnsetType = UNSET
    precision: Precision
    weights: str = ""


class NspDocument(ScoreDocument, frozen=True, kw_only=True):
    """From a model with a next-sentence head."""

    method: Literal["nsp"] = "nsp"
    probability: float
    logits: tuple[float, float]
    margin: float
    reversed: NspDirection
    tokens: list[Piece]
    attention_mask: list[int]


class SopDocument(ScoreDocument, frozen=True, kw_only=True):
    """From a model with a sentence-order head."""

    method: Literal["sop"] = "sop"
    probability: float
    logits: tuple[float, float]
    margin: float
    reversed: SopDirection
    tokens: list[Piece]
    attention_mask: list[int]


class PmiDocument(ScoreDocument, frozen=True, kw_only=True):
    """From a causal model."""

    method: Literal["pmi"] = "pmi"
    bits: float
    bits_per_token: float
    logprob_conditional: float
    logprob_alone: float
    reversed: PmiDirection
    tokens: list[ScoredToken]
    before: list[int]
    join: str
    start: str | None


class CosineDocument(ScoreDocument, frozen=True, kw_only=True):
    """From a model that has no head for pairs; it compares their states alone."""

    method: Literal["cosine"] = "cosine"


def score_document(
    results: Sequence[ScoreResult], verdict: Verdict | None, index: int | UnsetType = UNSET
) -> ScoreDocument:
    """The document of one pair, scored by one model or by several."""
    by_model: dict[str, list[ScoreResult]] = {}
    for result in results:
        by_model.setdefault(result.model, []).append(result)
    first, *others = [_of_one(each) for each in by_model.values()]
    weighed = (
        None
        if verdict is None
        else VerdictDocument(verdict.topic, verdict.order, sentence(verdict))
    )
    return structs.replace(first, verdict=weighed, beside=others, index=index)


def _of_one(results: Sequence[ScoreResult]) -> ScoreDocument:
    """The scores of one model, its main witness first and then its cosine, if any."""
    document = _plain(results[0])
    for result in results[1:]:
        match result:
            case CosineResult():
                document = structs.replace(
                    document, cosine=result.cosine, cosine_shuffled=result.shuffled
                )
            case NspResult() | SopResult() | PmiResult():
                pass  # the document has room for one main witness
            case never:
                assert_never(never)
    return document


def _plain(result: ScoreResult) -> ScoreDocument:
    match result:
        case NspResult():
            return msgspec.convert(result, NspDocument, from_attributes=True)
        case SopResult():
            return msgspec.convert(result, SopDocument, from_attributes=True)
        case PmiResult():
            return msgspec.convert(result, PmiDocument, from_attributes=True)
        case CosineResult():
            return msgspec.convert(result, CosineDocument, from_attributes=True)
        case never:
            assert_never(never)

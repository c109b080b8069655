"""The JSON document of a scored pair."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, UnsetType, structs

from engine.messages import (
    CosineResult,
    NspResult,
    PmiResult,
    ScoreResult,
    SopResult,
    Verdict,
)
from tui.headless.schemas.answers import (
    CosineDocument,
    NspDocument,
    PmiDocument,
    ScoreDocument,
    SopDocument,
    VerdictDocument,
)
from tui.render.verdicts import verdict as told


def score_document(
    results: Sequence[ScoreResult], verdict: Verdict | None, index: int | UnsetType = UNSET
) -> ScoreDocument:
    """All that was said of one pair, by one model or by several."""
    by_model: dict[str, list[ScoreResult]] = {}
    for result in results:
        by_model.setdefault(result.model, []).append(result)
    first, *others = [_of_one(each) for each in by_model.values()]
    weighed = (
        None if verdict is None else VerdictDocument(verdict.topic, verdict.order, told(verdict))
    )
    return structs.replace(first, verdict=weighed, beside=others, index=index)


def _of_one(results: Sequence[ScoreResult]) -> ScoreDocument:
    """What one model said; its cosine comes after what it judges by a head."""
    document = _plain(results[0])
    for result in results[1:]:
        if isinstance(result, CosineResult):
            document = structs.replace(
                document, cosine=result.cosine, cosine_shuffled=result.shuffled
            )
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

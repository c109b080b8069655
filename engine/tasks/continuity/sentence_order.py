"""ALBERT's sentence-order head (Lan et al. 2020): whether two texts that follow each other stand in
their original order, or were swapped. It was never shown texts that do not belong together.
"""

from __future__ import annotations

from engine.messages import Piece, SopDirection, SopResult
from engine.model import LoadedModel, MaskedRuntime
from engine.tasks.continuity.paired import Judged, PairedHead


def sentence_order(model: LoadedModel, runtime: MaskedRuntime) -> PairedHead:
    """The witness of a model that has this head."""

    def tell(tokens: list[Piece], there: Judged, back: Judged) -> SopResult:
        return SopResult(
            model=model.files.id,
            precision=model.precision,
            probability=there.probability,
            logits=there.logits,
            margin=there.margin,
            reversed=SopDirection(back.probability, back.logits, back.margin),
            tokens=tokens,
            attention_mask=[1] * len(tokens),
        )

    return PairedHead(model, runtime.context, runtime.sentence_order, tell)

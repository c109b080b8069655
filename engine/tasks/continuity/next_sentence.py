"""A next-sentence head (Devlin et al. 2019): whether B is what came after A, not any other text.

It judges topic, and hardly order (Lan et al. 2020, Table 5); its probability is soon all but 0 or
1, so the margin between its two logits tells more.
"""

from __future__ import annotations

from engine.messages import NspDirection, NspResult, Piece
from engine.model import LoadedModel, MaskedRuntime
from engine.tasks.continuity.paired import Judged, PairedHead


def next_sentence(model: LoadedModel, runtime: MaskedRuntime) -> PairedHead:
    """The witness of a model that has this head."""

    def tell(tokens: list[Piece], there: Judged, back: Judged) -> NspResult:
        return NspResult(
            model=model.files.id,
            precision=model.precision,
            probability=there.probability,
            logits=there.logits,
            margin=there.margin,
            reversed=NspDirection(back.probability, back.logits, back.margin),
            tokens=tokens,
            attention_mask=[1] * len(tokens),
        )

    return PairedHead(model, runtime.context, runtime.next_sentence, tell)

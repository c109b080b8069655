"""The table of witnesses, and the figures that others need from their results.

A new witness is a file of this folder (see `Witness`), a result in `engine.messages.events`, its
place here, and its vote, if any, in `verdict`.
"""

from __future__ import annotations

from typing import Any, TypeAlias, assert_never

from msgspec import structs

from engine import messages
from engine.errors import refusal
from engine.messages import (
    CosineResult,
    Message,
    NspDirection,
    NspResult,
    PairScore,
    PmiDirection,
    PmiResult,
    ScoreResult,
    SopResult,
)
from engine.messages.starters import STARTER_MASKED
from engine.runtime.loaded import LoadedModel
from engine.tasks.continuity.cosine import Cosine
from engine.tasks.continuity.mutual_information import MutualInformation
from engine.tasks.continuity.paired import next_sentence, sentence_order
from engine.tasks.continuity.witness import Witness

AnyWitness: TypeAlias = Witness[Any]


def witnesses(model: LoadedModel, *, cosine: bool) -> list[AnyWitness]:
    """The witnesses that a model provides, by its heads; the cosine on request, if it runs here.

    Raises:
        EngineError: ``unable``, if there are none.
    """
    masked, heads = model.masked, model.files.heads
    found: list[AnyWitness] = []
    if masked is not None and "next_sentence" in heads:
        found.append(next_sentence(model, masked))
    if masked is not None and "sentence_order" in heads:
        found.append(sentence_order(model, masked))
    if model.causal is not None:
        found.append(MutualInformation(model, model.causal))
    if cosine and model.remote is None:  # a server gives no states
        found.append(Cosine(model))
    if not found:
        raise refusal("unable", "no_witness", model=model.files.id, masked=STARTER_MASKED)
    return found


def main_figure(result: ScoreResult) -> float:
    """The figure that `Witness.figures` returns for shuffled texts."""
    match result:
        case NspResult() | SopResult():
            return result.margin
        case PmiResult():
            return result.bits_per_token
        case CosineResult():
            return result.cosine
        case never:
            assert_never(never)


def both_ways(scored: PairScore) -> tuple[messages.Witness, messages.Witness]:
    """The figures for two neighbours in a document, in their order and reversed."""
    result = scored.result
    if result is not None and result.trimmed is not None:
        tokens = result.trimmed.a + result.trimmed.b
        why = messages.Witness(error=Message.of("reason.pair_too_long", tokens=tokens))
        return why, why
    there = back = messages.Witness(error="" if scored.error is None else scored.error.message)
    for each in (*([] if result is None else [result]), *scored.others):
        match each:
            case NspResult() | PmiResult():
                there, back = _with(there, each), _with(back, each.reversed)
            case CosineResult():
                there, back = (structs.replace(one, cosine=each.cosine) for one in (there, back))
            case SopResult():
                pass  # a document has no figure of order
            case never:
                assert_never(never)
    return there, back


def _with(
    witness: messages.Witness, result: NspResult | NspDirection | PmiResult | PmiDirection
) -> messages.Witness:
    if isinstance(result, NspResult | NspDirection):
        return structs.replace(
            witness, nsp_margin=result.margin, nsp_probability=result.probability
        )
    return structs.replace(witness, pmi_bits=result.bits, pmi_bits_per_token=result.bits_per_token)

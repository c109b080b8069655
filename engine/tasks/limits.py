"""What a model's context holds, in the words that a person is told."""

from __future__ import annotations

from collections.abc import Sequence

from engine.errors import EngineError
from engine.messages import Error
from engine.model import CausalRuntime, LoadedModel, MaskedRuntime
from engine.prefixes import Prefixes


def check_length(model: LoadedModel, length: int, context: int | None) -> None:
    """Refuse an input of more tokens than the model's context holds.

    Raises:
        EngineError: ``too_long``, with both numbers.
    """
    if context is not None and length > context:
        raise EngineError(
            Error(
                kind="too_long",
                message=f"The text has {length} tokens; {model.files.id} takes {context}.",
                hint=f"Shorten it by {length - context} tokens or more.",
            )
        )


def place(model: LoadedModel, ids: Sequence[int]) -> tuple[CausalRuntime, Prefixes]:
    """The parts of a causal model, for a question about what comes after these ids.

    Raises:
        EngineError: ``unable`` for a model that is not causal; ``bad_request`` for ids that it
            does not have, or none; ``too_long`` where they do not fit.
    """
    if model.causal is None or model.prefixes is None:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{model.files.id} is not a causal model.",
                hint="Take a causal model, such as starter-ja.",
            )
        )
    if not ids or not all(0 <= number < model.causal.vocabulary for number in ids):
        raise EngineError(
            Error(
                kind="bad_request",
                message="A place in a text is named by the ids before it, at least one.",
                hint="Give ids of this model's own vocabulary.",
            )
        )
    check_length(model, len(ids), model.causal.context)
    return model.causal, model.prefixes


def fills_masks(model: LoadedModel, hint: str) -> MaskedRuntime:
    """The part of a model that fills masks, for a question that only it can answer.

    Raises:
        EngineError: ``unable`` without a masked-language head or a mask, with this hint.
    """
    usable = "masked" in model.files.heads and model.tokenizer.mask is not None
    if model.masked is None or not usable:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{model.files.id} has no masked-language head.",
                hint=f"Take a masked model, such as starter-en. {hint}".strip(),
            )
        )
    return model.masked

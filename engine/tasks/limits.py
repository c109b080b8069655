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


def causal(model: LoadedModel) -> tuple[CausalRuntime, Prefixes]:
    """The parts of a model that goes on from a text.

    Raises:
        EngineError: ``unable``, when it is not a causal model.
    """
    if model.causal is None or model.prefixes is None:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{model.files.id} cannot continue a text: it is not a causal model.",
                hint="Take a causal model, such as starter-ja.",
            )
        )
    return model.causal, model.prefixes


def place(model: LoadedModel, ids: Sequence[int]) -> Prefixes:
    """What a causal model has read, for a question about what comes after these ids.

    Raises:
        EngineError: ``unable`` for a model that is not causal; ``bad_request`` for ids that it
            does not have, or none; ``too_long`` where they do not fit.
    """
    runtime, prefixes = causal(model)
    if not ids or not all(0 <= number < runtime.vocabulary for number in ids):
        raise EngineError(
            Error(
                kind="bad_request",
                message="A place in a text is named by the ids before it, at least one.",
                hint="Give ids of this model's own vocabulary.",
            )
        )
    check_length(model, len(ids), runtime.context)
    return prefixes


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

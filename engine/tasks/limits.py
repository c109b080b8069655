"""What a model's context holds, in the words that a person is told."""

from __future__ import annotations

from collections.abc import Sequence

from engine.decoding.prompting import unknown_token
from engine.errors import EngineError
from engine.interfaces import CausalRuntime, MaskedRuntime
from engine.messages import Error
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from engine.runtime.loaded import LoadedModel
from engine.runtime.prefix_cache import PrefixCache


def check_fits(
    model: LoadedModel, runtime: CausalRuntime | MaskedRuntime, ids: Sequence[int], more: int = 0
) -> None:
    """Refuse an input, of these ids and so many more, that a part of the model cannot be fed.

    Raises:
        EngineError: ``too_long``, with the length and the context; ``unable`` for a token that
            the tokenizer knows and the weights do not.
    """
    length, context = len(ids) + more, runtime.context
    if context is not None and length > context:
        raise EngineError(
            Error(
                kind="too_long",
                message=f"The text has {length} tokens; {model.files.id} takes {context}.",
                hint=f"Shorten it by {length - context} tokens or more.",
            )
        )
    for number in ids:
        if not 0 <= number < runtime.vocabulary:
            raise unknown_token(model, number, runtime.vocabulary)


def causal(model: LoadedModel) -> tuple[CausalRuntime, PrefixCache]:
    """The parts of a model that goes on from a text.

    Raises:
        EngineError: ``unable``, when it is not a causal model.
    """
    if model.causal is None or model.prefix_cache is None:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{model.files.id} cannot continue a text: it is not a causal model.",
                hint=f"Take a causal model, such as {STARTER_CAUSAL}.",
            )
        )
    return model.causal, model.prefix_cache


def place(model: LoadedModel, ids: Sequence[int]) -> tuple[CausalRuntime, PrefixCache]:
    """A causal model and what it has read, for a question about what comes after these ids.

    Raises:
        EngineError: ``unable`` for a model that is not causal; ``bad_request`` without ids; what
            `check_fits` raises.
    """
    runtime, prefix_cache = causal(model)
    if not ids:
        raise EngineError(
            Error(
                kind="bad_request",
                message="A place in a text is named by the ids before it, at least one.",
                hint="Give ids of this model's own vocabulary.",
            )
        )
    check_fits(model, runtime, ids)
    return runtime, prefix_cache


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
                hint=f"Take a masked model, such as {STARTER_MASKED}. {hint}".strip(),
            )
        )
    return model.masked

"""Checks that a model can answer a request, with errors for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.decoding.prompting import unknown_token
from engine.errors import refusal
from engine.interfaces import CausalRuntime, MaskedRuntime
from engine.messages import Sampling
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from engine.runtime.loaded import LoadedModel
from engine.runtime.prefix_cache import PrefixCache

if TYPE_CHECKING:
    from engine.runtime.inside.model import InsideModel


def check_fits(
    model: LoadedModel,
    runtime: CausalRuntime | MaskedRuntime | InsideModel,
    ids: Sequence[int],
    more: int = 0,
) -> None:
    """Refuse an input of these ids and `more` others that does not fit the model.

    Raises:
        EngineError: ``too_long``, with the length and the context; ``unable`` for a token that is
            in the tokenizer but not in the weights.
    """
    length, context = len(ids) + more, runtime.context
    if context is not None and length > context:
        raise refusal(
            "too_long",
            "text_too_long",
            length=length,
            model=model.files.id,
            context=context,
            excess=length - context,
        )
    check_known(model, runtime, ids)


def check_known(
    model: LoadedModel, runtime: CausalRuntime | MaskedRuntime | InsideModel, ids: Sequence[int]
) -> None:
    """Refuse ids that the weights lack.

    Raises:
        EngineError: ``unable``, for a token that is in the tokenizer but not in the weights.
    """
    for number in ids:
        if not 0 <= number < runtime.vocabulary:
            raise unknown_token(model, number, runtime.vocabulary)


def check_listed(model: LoadedModel, sampling: Sampling) -> None:
    """Refuse a draw that needs logits of a model whose server only lists the likeliest tokens.

    Raises:
        EngineError: ``unable``, for a repetition penalty.
    """
    if model.listing is not None and sampling.repetition_penalty != 1.0:
        raise refusal("unable", "server_no_penalty", model=model.files.id)


def check_whole(model: LoadedModel) -> None:
    """Refuse what needs the whole distribution of a model whose server only lists tokens.

    Raises:
        EngineError: ``unable``.
    """
    if model.listing is not None:
        raise refusal(
            "unable", "server_only_lists", model=model.files.id, count=model.listing.count
        )


def check_ranked(model: LoadedModel) -> None:
    """Refuse what needs the likeliest tokens without exception of a server that leaves some out.

    Raises:
        EngineError: ``unable``, if it names tokens by texts, which several can share.
    """
    if model.listing is not None and not model.listing.ranked:
        raise refusal("unable", "server_names_texts", model=model.files.id)


def check_states(model: LoadedModel) -> None:
    """Refuse what needs hidden states of a model that has none here.

    Raises:
        EngineError: ``unable``.
    """
    if model.files.server is not None:
        raise refusal("unable", "server_no_states", server=model.files.server.url)
    if not model.has_states:
        raise refusal("unable", "ngram_inside")


def causal(model: LoadedModel) -> tuple[CausalRuntime, PrefixCache]:
    """The parts of a model that continue a text.

    Raises:
        EngineError: ``unable``, if it is not a causal model.
    """
    if model.causal is None or model.prefix_cache is None:
        raise refusal("unable", "not_causal", model=model.files.id, causal=STARTER_CAUSAL)
    return model.causal, model.prefix_cache


def place(model: LoadedModel, ids: Sequence[int]) -> tuple[CausalRuntime, PrefixCache]:
    """The parts of a causal model, to predict what comes after these ids.

    Raises:
        EngineError: ``unable`` for a model that is not causal; ``bad_request`` without ids; what
            `check_fits` raises.
    """
    runtime, prefix_cache = causal(model)
    if not ids:
        raise refusal("bad_request", "no_ids")
    check_fits(model, runtime, ids)
    return runtime, prefix_cache


def fills_masks(model: LoadedModel) -> MaskedRuntime:
    """The part of a model that masks one token after the other.

    Raises:
        EngineError: ``unable`` without a masked-LM head or a mask token.
    """
    usable = "masked" in model.files.heads and model.tokenizer.mask is not None
    if model.masked is None or not usable:
        raise refusal("unable", "no_language_head", model=model.files.id, masked=STARTER_MASKED)
    return model.masked

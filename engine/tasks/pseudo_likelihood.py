"""Scores a text with a masked model: each token in turn is masked.

The pseudo-log-likelihood of a text is the sum of log p(token | all others) over its tokens (Salazar
et al. 2020). It overestimates words of several pieces, whose later pieces give away the earlier
ones; ``within_word_l2r`` therefore also masks the following pieces of the same word (Kauf & Ivanova
2023). Words are those of the tokenizer (`engine.interfaces.Tokenizer.words`).

In a text that is longer than the context, each token is read in the middle of what fits.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from engine.errors import refusal
from engine.interfaces import MaskedRuntime
from engine.messages import (
    MASK,
    Alternative,
    Done,
    Event,
    Piece,
    PllMethod,
    PllToken,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Timing,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks.limits import check_known, fills_masks

if TYPE_CHECKING:
    import torch

Steps = Generator[Event | None, None, None]


def run(model: LoadedModel, request: PseudoLikelihood, load_s: float) -> Steps:
    """Yield a `PseudoLikelihoodResult` per method, then `Done`; `Progress` and None in between.

    Raises:
        EngineError: ``bad_request`` for a text without tokens or with a mask in it; ``unable``
            without a masked-LM head.
    """
    # Not at the top: the worker imports its tasks before torch.
    from engine.runtime import masked_rows

    began = time.monotonic()
    runtime = fills_masks(model)
    pieces = cut(model, runtime, request.text)
    asked = [hidden(model, request.text, pieces, method) for method in request.methods]
    # Most words are one piece, which every method masks in the same way.
    distinct = list(dict.fromkeys(places for each in asked for places in each))

    def take(number: int, logits: torch.Tensor) -> PllToken:
        return token(model, pieces[distinct[number][0]], logits[0], request.top)

    rows = [row(model, runtime, pieces, places) for places in distinct]
    size = room(runtime, pieces)
    first, last = _edges(pieces)
    whole = size == last - first
    read = yield from masked_rows.read(runtime, rows, take)
    tokens = dict(zip(distinct, read, strict=True))
    for method, each in zip(request.methods, asked, strict=True):
        yield PseudoLikelihoodResult(
            model=model.files.id,
            method=method,
            text=request.text,
            tokens=[tokens[places] for places in each],
            total=sum(tokens[places].logprob for places in each),
            precision=model.precision,
            weights=model.files.weights,
            row=pieces if whole else [],
            window=None if whole else size,
            vocabulary=runtime.vocabulary,
            segments=runtime.segments,
        )
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


def cut(model: LoadedModel, runtime: MaskedRuntime, text: str) -> list[Piece]:
    """The pieces of a text, framed.

    Raises:
        EngineError: ``bad_request`` for a text without tokens or with a mask in it; ``unable`` for
            a token that the weights lack.
    """
    pieces = model.tokenizer.single(text)
    if MASK in text:
        raise refusal("bad_request", "mask_in_text", mask=MASK)
    if all(piece.start is None for piece in pieces):
        raise refusal("bad_request", "no_text")
    check_known(model, runtime, [*(piece.id for piece in pieces), _mask(model)])
    return pieces


def hidden(
    model: LoadedModel, text: str, pieces: Sequence[Piece], method: PllMethod
) -> list[tuple[int, ...]]:
    """For each token to score, the positions to mask meanwhile, its own first."""
    scored = [number for number, piece in enumerate(pieces) if piece.start is not None]
    if method == "original":
        return [(own,) for own in scored]
    words = model.tokenizer.words(text)
    return [
        (own, *(n for n in range(own + 1, len(words)) if words[n] == words[own])) for own in scored
    ]


def room(runtime: MaskedRuntime, pieces: Sequence[Piece]) -> int:
    """How many tokens of a text fit the context, beside those that frame it."""
    first, last = _edges(pieces)
    most = len(pieces) if runtime.context is None else min(runtime.context, len(pieces))
    return max(1, most - first - (len(pieces) - last))


def _edges(pieces: Sequence[Piece]) -> tuple[int, int]:
    """Where the text begins and ends among what frames it."""
    own = [number for number, piece in enumerate(pieces) if piece.start is not None]
    return own[0], own[-1] + 1


def row(
    model: LoadedModel, runtime: MaskedRuntime, pieces: Sequence[Piece], places: Sequence[int]
) -> tuple[list[Piece], list[int]]:
    """The text with these positions masked, and the first of them to predict.

    Of a text that is longer than the context, what fits around that position, which is in the
    middle but near the ends of the text; what frames the text frames this part.
    """
    mask = model.tokenizer.token(_mask(model))
    first, last = _edges(pieces)
    size = room(runtime, pieces)
    begin = max(first, min(places[0] - size // 2, last - size))
    kept = (*range(first), *range(begin, begin + size), *range(last, len(pieces)))
    masked = set(places)
    return [mask if n in masked else pieces[n] for n in kept], [places[0] - begin + first]


def _mask(model: LoadedModel) -> int:
    assert model.tokenizer.mask is not None, "`fills_masks` has asked for it"
    return model.tokenizer.mask


def token(model: LoadedModel, piece: Piece, logits: torch.Tensor, top: int) -> PllToken:
    """A token with the prediction for it, from logits [vocabulary] where it is masked."""
    # Not at the top: the worker imports its tasks before torch.
    from engine.runtime.distribution import Distribution

    predicted = Distribution(logits)
    return PllToken(
        id=piece.id,
        text=piece.text,
        start=piece.start or 0,
        end=piece.end or 0,
        logprob=predicted.logprob(piece.id),
        rank=predicted.rank(piece.id),
        entropy=predicted.entropy,
        top=[
            Alternative(number, model.tokenizer.token(number).text, logprob)
            for number, logprob in zip(*predicted.likeliest(top), strict=True)
        ],
        normaliser=predicted.normaliser,
    )

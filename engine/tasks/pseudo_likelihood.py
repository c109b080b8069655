"""How likely a masked model finds a text: each token in turn behind a mask.

The pseudo-log-likelihood of a text is the sum of log p(token | all others) over its tokens (Salazar
et al. 2020). It is too kind to words of several pieces, whose later pieces give the earlier ones
away; ``within_word_l2r`` therefore masks those that follow in the same word too (Kauf & Ivanova
2023). What a word is, the tokenizer says (`engine.model.Tokenizer.words`).
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.messages import (
    MASK,
    Alternative,
    Done,
    Error,
    Event,
    Piece,
    PllMethod,
    PllToken,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Timing,
)
from engine.model import LoadedModel
from engine.tasks.limits import check_length, fills_masks

if TYPE_CHECKING:
    import torch

Steps = Generator[Event | None, None, None]


def run(model: LoadedModel, request: PseudoLikelihood, load_s: float) -> Steps:
    """Yield a `PseudoLikelihoodResult`, then `Done`; `Progress` and None between forwards.

    Raises:
        EngineError: ``bad_request`` for a text without tokens or with a mask in it, ``too_long``
            when it does not fit the context, ``unable`` without a masked-language head.
    """
    # Not at the top: the worker imports its tasks before torch is there.
    from engine.runtime import masked_rows

    began = time.monotonic()
    runtime = fills_masks(model, "A causal model has surprisal instead: tsuzuki surprisal.")
    pieces = model.tokenizer.single(request.text)
    scored = [number for number, piece in enumerate(pieces) if piece.start is not None]
    if MASK in request.text:
        raise _refused("There is a mask in the text.", "Fill it first: every word is scored.")
    if not scored:
        raise _refused("There is no text to score.", "Write a sentence.")
    check_length(model, len(pieces), runtime.context)

    def token(number: int, logprobs: torch.Tensor) -> PllToken:
        return _token(model, pieces[scored[number]], logprobs[0], request.top)

    rows = _rows(model, request.text, pieces, scored, request.method)
    tokens = yield from masked_rows.read(runtime, rows, token)
    yield PseudoLikelihoodResult(
        model=model.files.id,
        method=request.method,
        text=request.text,
        tokens=tokens,
        total=sum(token.logprob for token in tokens),
        precision=model.precision,
    )
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


def _rows(
    model: LoadedModel,
    text: str,
    pieces: Sequence[Piece],
    scored: Sequence[int],
    method: PllMethod,
) -> list[tuple[list[Piece], list[int]]]:
    """The text once for each scored token, with that masked, and what goes with it."""
    assert model.tokenizer.mask is not None, "a masked-language head comes with a mask"
    mask = model.tokenizer.token(model.tokenizer.mask)
    words = model.tokenizer.words(text)
    return [
        (
            [
                mask
                if number == own
                or (method == "within_word_l2r" and number > own and words[number] == words[own])
                else piece
                for number, piece in enumerate(pieces)
            ],
            [own],
        )
        for own in scored
    ]


def _token(model: LoadedModel, piece: Piece, logprobs: torch.Tensor, top: int) -> PllToken:
    own = logprobs[piece.id]
    best = logprobs.topk(min(top, len(logprobs)))
    return PllToken(
        id=piece.id,
        text=piece.text,
        start=piece.start or 0,
        end=piece.end or 0,
        logprob=float(own),
        rank=1 + int((logprobs > own).sum()),
        top=[
            Alternative(number, model.tokenizer.token(number).text, logprob)
            for number, logprob in zip(best.indices.tolist(), best.values.tolist(), strict=True)
        ],
    )


def _refused(message: str, hint: str) -> EngineError:
    return EngineError(Error(kind="bad_request", message=message, hint=hint))

"""Propose words for the masks of a text, with a masked model or, failing that, a causal one."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.messages import (
    MASK,
    Candidate,
    Done,
    Error,
    Event,
    Fill,
    FillResult,
    Hidden,
    MaskFill,
    Piece,
    Timing,
)
from engine.model import LoadedModel, MaskedRuntime, Tokenizer
from engine.tasks import causal_masking
from engine.tasks.limits import check_length
from engine.tasks.words import as_word

if TYPE_CHECKING:
    import torch

Steps = Generator[Event | None, None, None]


def run(model: LoadedModel, request: Fill, load_s: float) -> Steps:
    """Yield a `FillResult`, then `Done`; None between steps.

    Raises:
        EngineError: ``bad_request`` when there is no mask, ``too_long`` when the text does not
            fit the context, ``unable`` for several masks on a causal model or for a model that
            can neither fill nor continue.
    """
    began = time.monotonic()
    if MASK not in request.text:
        raise EngineError(
            Error(
                kind="bad_request",
                message="There is no mask in the text.",
                hint=f"Write {MASK} where a word is to be found.",
            )
        )
    if model.masked is not None and "masked" in model.files.heads:
        yield _fill(model, model.masked, request)
    elif model.causal is not None and model.prefixes is not None:
        yield from causal_masking.fill(model, model.causal, model.prefixes, request)
    else:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{model.files.id} cannot fill masks: it has no head for that.",
                hint="Take a masked model (starter-en) or a causal one.",
            )
        )
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


def _fill(model: LoadedModel, runtime: MaskedRuntime, request: Fill) -> FillResult:
    """The answer of a masked model: softmax over the vocabulary at each mask."""
    tokenizer = model.tokenizer
    pieces = tokenizer.single(request.text)
    check_length(model, len(pieces), runtime.context)
    positions = [
        number
        for number, piece in enumerate(pieces)
        if piece.id == tokenizer.mask and piece.start is not None
    ]
    logits = runtime.mask_logits([pieces], [(0, position) for position in positions])
    masks = [
        _answer(tokenizer, request, pieces, position, row, word)
        for position, row, word in zip_longest(
            positions, logits, request.hidden[: len(positions)], fillvalue=None
        )
        if position is not None and row is not None
    ]
    return FillResult(
        model=model.files.id,
        precision=model.precision,
        method="mlm",
        text=request.text,
        tokens=pieces,
        masks=masks,
    )


def _answer(
    tokenizer: Tokenizer,
    request: Fill,
    pieces: Sequence[Piece],
    position: int,
    logits: torch.Tensor,
    word: str | None,
) -> MaskFill:
    probabilities = logits.softmax(0)
    best = probabilities.topk(min(request.top, len(probabilities)))
    candidates = [
        Candidate(number, as_word(tokenizer.token(number)), probability)
        for number, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    hidden = None
    if word is not None:
        ids = _cut_word(tokenizer, request.text, pieces, position, word)
        if len(ids) == 1 and ids[0] != tokenizer.unknown:
            own = ids[0]
            hidden = Hidden(
                word=word,
                pieces=1,
                prob=float(probabilities[own]),
                rank=1 + int((logits > logits[own]).sum()),
            )
        else:
            hidden = Hidden(word=word, pieces=len(ids))
    return MaskFill(position=position, candidates=candidates, hidden=hidden)


def _cut_word(
    tokenizer: Tokenizer, text: str, pieces: Sequence[Piece], position: int, word: str
) -> list[int]:
    """The ids of a hidden word as the model would have read it at its mask.

    Where the mask swallowed the space before it, as RoBERTa's does, that space belongs to the
    word: " baseball" is another piece than "baseball".
    """
    end = pieces[position].end or 0
    before = end - len(MASK) - 1
    spaced = before >= 0 and text[before].isspace()
    alone = spaced and any(
        piece.start is not None and piece.end is not None and piece.start <= before < piece.end
        for number, piece in enumerate(pieces)
        if number != position
    )
    return [p.id for p in tokenizer.encode((" " if spaced and not alone else "") + word.strip())]

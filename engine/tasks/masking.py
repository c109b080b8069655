"""Proposes words for the masks of a text, with a masked model or else a causal one."""

from __future__ import annotations

import time
from collections.abc import Generator
from itertools import zip_longest
from typing import TYPE_CHECKING

from msgspec import structs

from engine.errors import refusal
from engine.interfaces import MaskedRuntime
from engine.messages import (
    MASK,
    Candidate,
    Done,
    Event,
    Fill,
    FillResult,
    Hidden,
    JointFills,
    MaskFill,
    Timing,
)
from engine.messages.starters import STARTER_MASKED
from engine.runtime.loaded import LoadedModel
from engine.tasks import causal_masking, joint_filling, whole_words
from engine.tasks.limits import check_fits
from engine.tasks.words import as_word

if TYPE_CHECKING:
    import torch

Steps = Generator[Event | None, None, None]


def run(model: LoadedModel, request: Fill, load_s: float) -> Steps:
    """Yield a `FillResult`, then `Done`; `Progress` and None between steps.

    Raises:
        EngineError: ``bad_request`` if there is no mask or a requested word is empty; ``too_long``
            if the text does not fit the context; ``unable`` for several masks with a causal model,
            or for a model that can neither fill nor continue.
    """
    began = time.monotonic()
    if MASK not in request.text:
        raise refusal("bad_request", "no_mask", mask=MASK)
    if not all(word.strip() for word in request.words):
        raise refusal("bad_request", "empty_word")
    if model.masked is not None and "masked" in model.files.heads:
        yield from _fill(model, model.masked, request)
    elif model.causal is not None and model.prefix_cache is not None:
        yield from causal_masking.fill(model, model.causal, model.prefix_cache, request)
    else:
        raise refusal("unable", "cannot_fill", model=model.files.id, masked=STARTER_MASKED)
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


def _fill(model: LoadedModel, runtime: MaskedRuntime, request: Fill) -> Steps:
    """Yield the answer of a masked model: softmax over the vocabulary at each mask."""
    tokenizer = model.tokenizer
    pieces = tokenizer.single(request.text)
    check_fits(model, runtime, [piece.id for piece in pieces])
    positions = [
        number
        for number, piece in enumerate(pieces)
        if piece.id == tokenizer.mask and piece.start is not None
    ]
    logits = runtime.mask_logits([pieces], [(0, position) for position in positions])
    logprobs = logits.log_softmax(-1)
    slots = [
        whole_words.Slot(request.text, pieces, position, row)
        for position, row in zip(positions, logprobs, strict=True)
    ]
    masks = [
        _answer(model, runtime, request, slot, row, word)
        for slot, row, word in zip_longest(
            slots, logits, request.hidden[: len(slots)], fillvalue=None
        )
        if slot is not None and row is not None
    ]
    if request.words:
        asked = yield from whole_words.asked(model, runtime, slots, request.words)
        masks = [structs.replace(m, words=w) for m, w in zip(masks, asked, strict=True)]
    if request.pieces > 1:
        for number, slot in enumerate(slots):
            found = yield from whole_words.search(model, runtime, slot, request.pieces, request.top)
            masks[number] = structs.replace(masks[number], whole=found)
    joint: list[JointFills] = []
    table = None
    if request.joint_methods:
        several = joint_filling.Masks(model, runtime, slots)
        joint = yield from joint_filling.fill(several, request.joint_methods, request.top)
        if len(positions) == 2:
            table = yield from joint_filling.table(several)
    yield FillResult(
        model=model.files.id,
        precision=model.precision,
        weights=model.files.weights,
        method="mlm",
        text=request.text,
        tokens=pieces,
        masks=masks,
        joint=joint,
        table=table,
        vocabulary=runtime.vocabulary,
        segments=runtime.segments,
    )


def _answer(
    model: LoadedModel,
    runtime: MaskedRuntime,
    request: Fill,
    slot: whole_words.Slot,
    logits: torch.Tensor,
    word: str | None,
) -> MaskFill:
    from engine.runtime.distribution import rank  # not at the top: torch may not be there yet

    tokenizer = model.tokenizer
    probabilities = logits.softmax(0)
    best = probabilities.topk(min(request.top, len(probabilities)))
    candidates = [
        Candidate(number, as_word(tokenizer.token(number)), probability, float(logits[number]))
        for number, probability in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    hidden = None
    if word is not None:
        spelling = slot.spell(tokenizer, word)
        own = spelling.ids[0] if len(spelling.ids) == 1 else -1
        if own != tokenizer.unknown and 0 <= own < len(logits):
            if not spelling.usual:
                row, (place,) = slot.row(tokenizer, 1, (), spelling)
                check_fits(model, runtime, [piece.id for piece in row])
                logits = runtime.mask_logits([row], [(0, place)])[0]
                probabilities = logits.softmax(0)
            hidden = Hidden(
                word=word,
                pieces=1,
                prob=float(probabilities[own]),
                rank=rank(logits, own),
                logit=float(logits[own]),
            )
        else:
            hidden = Hidden(word=word, pieces=len(spelling.ids))
    return MaskFill(position=slot.position, candidates=candidates, hidden=hidden)

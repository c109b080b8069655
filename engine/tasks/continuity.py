"""How well one text continues another: a next-sentence head's judgement, or a causal model's.

From a causal model it is pointwise mutual information: how much likelier B is after A than by
itself. A and B are joined by one space, or by nothing next to a Japanese or Chinese character,
and cut once; a piece across the join belongs to B. The same ids of B are scored after start + A
and after the start token alone. Where a model has no start token, nothing can come before B's
first id when B stands alone, so that id leaves both terms.
"""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from engine.errors import EngineError
from engine.messages import (
    Done,
    Error,
    Event,
    NspDirection,
    NspResult,
    Piece,
    PmiDirection,
    PmiResult,
    Score,
    ScoredToken,
    Timing,
)
from engine.model import CausalRuntime, LoadedModel, MaskedRuntime
from engine.prompting import start_token
from engine.tasks.limits import check_length

Steps = Generator[Event | None, None, None]


def run(model: LoadedModel, request: Score, load_s: float) -> Steps:
    """Yield an `NspResult` or a `PmiResult`, then `Done`; None between steps.

    Raises:
        EngineError: ``bad_request`` when a side is empty, ``too_long`` when both do not fit the
            context, ``unable`` when the model has no head for it.
    """
    began = time.monotonic()
    # White space around a text is not part of it, least of all where the two are joined.
    a, b = request.a.strip(), request.b.strip()
    for name, side in (("A", a), ("B", b)):
        if not side:
            raise _refused(f"Text {name} is empty.", "Write both texts.")
    if model.masked is not None and "next_sentence" in model.files.heads:
        yield _judge(model, model.masked, a, b)
    elif model.causal is not None:
        yield from _compare(model, model.causal, a, b)
    else:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{model.files.id} cannot score: it has no next-sentence head.",
                hint="Take a BERT with that head (starter-en) or a causal model.",
            )
        )
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


# ------------------------------------------------------------------- next-sentence head


def _judge(model: LoadedModel, runtime: MaskedRuntime, a: str, b: str) -> NspResult:
    forwards = model.tokenizer.pair(a, b)
    backwards = model.tokenizer.pair(b, a)
    for pieces in (forwards, backwards):
        check_length(model, len(pieces), runtime.context)
    logits = runtime.next_sentence([forwards, backwards])
    there, back = (
        NspDirection(
            probability=float(row.softmax(0)[0]),
            logits=(float(row[0]), float(row[1])),
            margin=float(row[0] - row[1]),
        )
        for row in logits
    )
    return NspResult(
        model=model.files.id,
        precision=model.precision,
        probability=there.probability,
        logits=there.logits,
        margin=there.margin,
        reversed=back,
        tokens=forwards,
        attention_mask=[1] * len(forwards),
    )


# ------------------------------------------------------------------------- causal model


@dataclass(frozen=True)
class _Joined:
    """Two texts as one, cut once: the ids of the first and the pieces of the second."""

    join: str
    first: list[int]
    second: list[Piece]


def _compare(model: LoadedModel, runtime: CausalRuntime, a: str, b: str) -> Steps:
    start = start_token(model)
    there = _joined(model, a, b)
    back = _joined(model, b, a)
    for joined in (there, back):
        _check(model, runtime, joined, start)
    forwards = yield from _direction(runtime, there, start)
    yield None
    backwards = yield from _direction(runtime, back, start)
    yield PmiResult(
        model=model.files.id,
        precision=model.precision,
        bits=forwards.bits,
        bits_per_token=forwards.bits_per_token,
        logprob_conditional=forwards.logprob_conditional,
        logprob_alone=forwards.logprob_alone,
        tokens=forwards.tokens,
        reversed=backwards,
        join=there.join,
        start=None if start is None else start.piece,
    )


def _joined(model: LoadedModel, a: str, b: str) -> _Joined:
    join = "" if _unspaced(a[-1]) or _unspaced(b[0]) else " "
    pieces = model.tokenizer.encode(a + join + b)
    cut = next(
        (n for n, p in enumerate(pieces) if p.end is not None and p.end > len(a)), len(pieces)
    )
    return _Joined(join, [piece.id for piece in pieces[:cut]], pieces[cut:])


def _check(
    model: LoadedModel, runtime: CausalRuntime, joined: _Joined, start: Piece | None
) -> None:
    length = len(joined.first) + len(joined.second) + (start is not None)
    check_length(model, length, runtime.context)
    if not joined.second or (start is None and len(joined.second) < 2):
        raise _refused(
            "There is too little text to score: no token is left after the first.",
            "Write longer texts; this model has no start token.",
        )


def _direction(
    runtime: CausalRuntime, joined: _Joined, start: Piece | None
) -> Generator[None, None, PmiDirection]:
    """Score the second text after the first and by itself (nats)."""
    from engine.runtime.scoring import logprobs  # not at the top: torch is not there yet

    before = [] if start is None else [start.id]
    second = [piece.id for piece in joined.second]
    scored = second if before else second[1:]
    after, by_itself = yield from logprobs(
        runtime, [[*before, *joined.first, *second], [*before, *second]]
    )
    conditional: list[float] = after[-len(scored) :].double().tolist()
    alone: list[float] = by_itself[-len(scored) :].double().tolist()
    bits = (sum(conditional) - sum(alone)) / math.log(2)
    unscored = [None] * (len(second) - len(scored))
    return PmiDirection(
        bits=bits,
        bits_per_token=bits / len(scored),
        logprob_conditional=sum(conditional),
        logprob_alone=sum(alone),
        tokens=_scored(joined.second, [*unscored, *conditional], [*unscored, *alone]),
    )


def _scored(
    pieces: Sequence[Piece], conditional: Sequence[float | None], alone: Sequence[float | None]
) -> list[ScoredToken]:
    return [
        ScoredToken(piece.id, piece.text, after, by_itself)
        for piece, after, by_itself in zip(pieces, conditional, alone, strict=True)
    ]


_UNSPACED = (
    (0x2E80, 0x312F),  # radicals, punctuation, kana, bopomofo
    (0x3190, 0x9FFF),  # kanbun, enclosed and compatibility forms, Han
    (0xF900, 0xFAFF),  # compatibility Han
    (0xFE30, 0xFE4F),  # vertical forms
    (0xFF00, 0xFF9F),  # full-width forms, half-width katakana
    (0x1AFF0, 0x1B16F),  # more kana
    (0x20000, 0x3FFFF),  # more Han
)
"""Code points of Japanese and Chinese writing, punctuation included. Korean is spaced."""


def _unspaced(character: str) -> bool:
    return any(first <= ord(character) <= last for first, last in _UNSPACED)


def _refused(message: str, hint: str) -> EngineError:
    return EngineError(Error(kind="bad_request", message=message, hint=hint))

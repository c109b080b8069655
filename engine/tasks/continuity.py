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
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from engine.errors import EngineError
from engine.messages import (
    Done,
    Error,
    Event,
    NspDirection,
    NspResult,
    PairScore,
    Piece,
    PmiDirection,
    PmiResult,
    Score,
    ScoredToken,
    ScorePairs,
    Timing,
)
from engine.model import CausalRuntime, LoadedModel, MaskedRuntime
from engine.prompting import start_token
from engine.tasks.limits import check_length

Steps = Generator[Event | None, None, None]

BATCH_TOKENS = 1024
"""Tokens of the pairs read side by side: some tenths of a second with a small model."""
CUT_AT_ONCE = 64
"""Pairs cut into tokens between two steps of the scheduler."""


def run(model: LoadedModel, request: Score, load_s: float) -> Steps:
    """Yield an `NspResult` or a `PmiResult`, then `Done`; None between steps.

    Raises:
        EngineError: ``bad_request`` when a side is empty, ``too_long`` when both do not fit the
            context, ``unable`` when the model has no head for it.
    """
    began = time.monotonic()
    judge = _judge_of(model)
    for _, result in (yield from judge.batch([(0, judge.cut(request.a, request.b))])):
        yield result
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


def run_pairs(model: LoadedModel, request: ScorePairs, load_s: float) -> Steps:
    """Yield a `PairScore` for each pair, then `Done`; None between steps.

    Pairs of like length are read side by side. A pair that cannot be scored is answered with the
    reason, and the others go on.

    Raises:
        EngineError: ``unable`` when the model has no head for it.
    """
    began = time.monotonic()
    judge = _judge_of(model)
    ready = []
    for index, (a, b) in enumerate(request.pairs):
        try:
            ready.append((index, judge.cut(a, b)))
        except EngineError as error:
            yield PairScore(index=index, error=error.event)
        if index % CUT_AT_ONCE == CUT_AT_ONCE - 1:
            yield None
    ready.sort(key=lambda pair: pair[1].length)
    while ready:
        # The longest pair of a batch is its last: what it is padded to is what all of it costs.
        count = next(
            (n for n, (_, cut) in enumerate(ready) if (n + 1) * cut.length > BATCH_TOKENS),
            len(ready),
        )
        batch, ready = ready[: max(count, 1)], ready[max(count, 1) :]
        for index, result in (yield from judge.batch(batch)):
            yield PairScore(index=index, result=result)
        yield None
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


Results = Generator[None, None, list[tuple[int, NspResult | PmiResult]]]


class Cut(Protocol):
    """Two texts cut into tokens, in both orders."""

    @property
    def length(self) -> int:
        """Tokens of the longer order."""


CutT = TypeVar("CutT", bound=Cut)


@dataclass(frozen=True)
class _Judge(Generic[CutT]):
    """A way to score: how a pair is cut, and how pairs so cut are scored side by side."""

    cut: Callable[[str, str], CutT]
    """Raises EngineError for a pair that cannot be scored."""
    batch: Callable[[Sequence[tuple[int, CutT]]], Results]


def _judge_of(model: LoadedModel) -> _Judge[Any]:
    masked, causal = model.masked, model.causal
    if masked is not None and "next_sentence" in model.files.heads:
        return _Judge(
            lambda a, b: _ordered(model, masked, *_sides(a, b)),
            lambda pairs: _judged(model, masked, pairs),
        )
    if causal is not None:
        return _Judge(
            lambda a, b: _both_joined(model, causal, *_sides(a, b)),
            lambda pairs: _compared(model, causal, pairs),
        )
    raise EngineError(
        Error(
            kind="unable",
            message=f"{model.files.id} cannot score: it has no next-sentence head.",
            hint="Take a BERT with that head (starter-en) or a causal model.",
        )
    )


def _sides(a: str, b: str) -> tuple[str, str]:
    # White space around a text is not part of it, least of all where the two are joined.
    a, b = a.strip(), b.strip()
    for name, side in (("A", a), ("B", b)):
        if not side:
            raise _refused(f"Text {name} is empty.", "Write both texts.")
    return a, b


# ------------------------------------------------------------------- next-sentence head


@dataclass(frozen=True)
class _Ordered:
    """A pair as a next-sentence head is fed it, in both orders."""

    forwards: list[Piece]
    backwards: list[Piece]

    @property
    def length(self) -> int:
        """Tokens of the longer order."""
        return max(len(self.forwards), len(self.backwards))


def _ordered(model: LoadedModel, runtime: MaskedRuntime, a: str, b: str) -> _Ordered:
    pair = _Ordered(model.tokenizer.pair(a, b), model.tokenizer.pair(b, a))
    check_length(model, pair.length, runtime.context)
    return pair


def _judged(
    model: LoadedModel, runtime: MaskedRuntime, pairs: Sequence[tuple[int, _Ordered]]
) -> Results:
    rows = [row for _, pair in pairs for row in (pair.forwards, pair.backwards)]
    directions = [
        NspDirection(
            probability=float(row.softmax(0)[0]),
            logits=(float(row[0]), float(row[1])),
            margin=float(row[0] - row[1]),
        )
        for row in runtime.next_sentence(rows)
    ]
    yield None
    return [
        (
            index,
            NspResult(
                model=model.files.id,
                precision=model.precision,
                probability=there.probability,
                logits=there.logits,
                margin=there.margin,
                reversed=back,
                tokens=pair.forwards,
                attention_mask=[1] * len(pair.forwards),
            ),
        )
        for (index, pair), there, back in zip(pairs, directions[::2], directions[1::2], strict=True)
    ]


# ------------------------------------------------------------------------- causal model


@dataclass(frozen=True)
class _Joined:
    """Two texts as one, cut once: the ids of the first and the pieces of the second."""

    join: str
    first: list[int]
    second: list[Piece]


@dataclass(frozen=True)
class _BothJoined:
    """A pair joined in both orders, and what both are scored after."""

    there: _Joined
    back: _Joined
    start: Piece | None

    @property
    def length(self) -> int:
        """Tokens of the longer order."""
        joined = (self.there, self.back)
        return max(len(each.first) + len(each.second) for each in joined) + 1


def _both_joined(model: LoadedModel, runtime: CausalRuntime, a: str, b: str) -> _BothJoined:
    start = start_token(model)
    pair = _BothJoined(_joined(model, a, b), _joined(model, b, a), start)
    for joined in (pair.there, pair.back):
        _check(model, runtime, joined, start)
    return pair


def _compared(
    model: LoadedModel, runtime: CausalRuntime, pairs: Sequence[tuple[int, _BothJoined]]
) -> Results:
    """Score every second text after its first and by itself, all in one call."""
    from engine.runtime.scoring import logprobs  # not at the top: torch is not there yet

    asked = [(joined, pair.start) for _, pair in pairs for joined in (pair.there, pair.back)]
    texts: list[list[int]] = []
    for joined, start in asked:
        before = [] if start is None else [start.id]
        second = [piece.id for piece in joined.second]
        texts += [[*before, *joined.first, *second], [*before, *second]]
    scores = yield from logprobs(runtime, texts)
    directions = [
        _direction(joined, start, after.double().tolist(), alone.double().tolist())
        for (joined, start), after, alone in zip(asked, scores[::2], scores[1::2], strict=True)
    ]
    return [
        (
            index,
            PmiResult(
                model=model.files.id,
                precision=model.precision,
                bits=there.bits,
                bits_per_token=there.bits_per_token,
                logprob_conditional=there.logprob_conditional,
                logprob_alone=there.logprob_alone,
                tokens=there.tokens,
                reversed=back,
                join=pair.there.join,
                start=None if pair.start is None else pair.start.piece,
            ),
        )
        for (index, pair), there, back in zip(pairs, directions[::2], directions[1::2], strict=True)
    ]


def _joined(model: LoadedModel, a: str, b: str) -> _Joined:
    between = join(a, b)
    pieces = model.tokenizer.encode(a + between + b)
    cut = next(
        (n for n, p in enumerate(pieces) if p.end is not None and p.end > len(a)), len(pieces)
    )
    return _Joined(between, [piece.id for piece in pieces[:cut]], pieces[cut:])


def join(a: str, b: str) -> str:
    """What stands between two texts: a space, but nothing next to Japanese or Chinese."""
    return "" if _unspaced(a[-1]) or _unspaced(b[0]) else " "


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
    joined: _Joined, start: Piece | None, after: list[float], by_itself: list[float]
) -> PmiDirection:
    """The second text after the first and by itself, from the scores of both texts (nats)."""
    scored = len(joined.second) - (start is None)
    conditional, alone = after[-scored:], by_itself[-scored:]
    bits = (sum(conditional) - sum(alone)) / math.log(2)
    unscored = [None] * (len(joined.second) - scored)
    return PmiDirection(
        bits=bits,
        bits_per_token=bits / scored,
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

"""Pointwise mutual information under a causal model (Padmakumar & He 2021): how much likelier B is
after A than by itself.

A and B are joined by one space, or by nothing next to a Japanese or Chinese character, and cut
once; a piece across the join belongs to B. The same ids of B are scored after start + A and after
the start token alone. If a model has no start token, B's first id cannot be scored when B is alone,
so it is left out of both terms.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from dataclasses import dataclass

from engine.decoding.prompting import start_token
from engine.errors import refusal
from engine.interfaces import CausalRuntime
from engine.messages import Piece, PmiDirection, PmiResult, ScoredToken
from engine.runtime.loaded import LoadedModel
from engine.tasks.continuity.sides import join
from engine.tasks.continuity.witness import Figures, Results
from engine.tasks.limits import check_fits


@dataclass(frozen=True)
class Joined:
    """Two joined texts, tokenized together: the ids of the first and the pieces of the second."""

    join: str
    first: list[int]
    second: list[Piece]


@dataclass(frozen=True)
class BothJoined:
    """A pair joined in both orders."""

    there: Joined
    back: Joined

    @property
    def length(self) -> int:
        """Tokens of the longer order, with a start token."""
        joined = (self.there, self.back)
        return max(len(each.first) + len(each.second) for each in joined) + 1


class MutualInformation:
    """A `Witness` from a causal model. Its main figure is bits per token of B."""

    def __init__(self, model: LoadedModel, runtime: CausalRuntime) -> None:
        """`runtime` is the causal part of the model."""
        self._model = model
        self._runtime = runtime
        self._start = start_token(model)

    def cut(self, a: str, b: str) -> BothJoined:
        return BothJoined(self._joined(a, b), self._joined(b, a))

    def judge(self, cuts: Sequence[BothJoined]) -> Results:
        found = yield from self._compared([way for cut in cuts for way in (cut.there, cut.back)])
        return [
            PmiResult(
                model=self._model.files.id,
                precision=self._model.precision,
                weights=self._model.files.weights,
                bits=there.bits,
                bits_per_token=there.bits_per_token,
                logprob_conditional=there.logprob_conditional,
                logprob_alone=there.logprob_alone,
                tokens=there.tokens,
                reversed=back,
                join=cut.there.join,
                start=None if self._start is None else self._start.piece,
                before=there.before,
                vocabulary=self._runtime.vocabulary,
            )
            for cut, there, back in zip(cuts, found[::2], found[1::2], strict=True)
        ]

    def figures(self, cuts: Sequence[BothJoined]) -> Figures:
        found = yield from self._compared([cut.there for cut in cuts])
        return [direction.bits_per_token for direction in found]

    def _joined(self, a: str, b: str) -> Joined:
        between = join(a, b)
        pieces = self._model.tokenizer.encode(a + between + b)
        cut = next(
            (n for n, p in enumerate(pieces) if p.end is not None and p.end > len(a)), len(pieces)
        )
        first, second = [piece.id for piece in pieces[:cut]], pieces[cut:]
        start = [] if self._start is None else [self._start.id]
        check_fits(self._model, self._runtime, [*start, *(piece.id for piece in pieces)])
        if not second or (self._start is None and len(second) < 2):
            raise refusal("bad_request", "too_short")
        return Joined(between, first, second)

    def _compared(self, asked: Sequence[Joined]) -> Generator[None, None, list[PmiDirection]]:
        """Score every second text after its first and by itself, in one call."""
        from engine.runtime.scoring import logprobs  # not at the top: torch may not be imported yet

        before = () if self._start is None else (self._start.id,)
        after = [
            (*before, *joined.first, *(piece.id for piece in joined.second)) for joined in asked
        ]
        alone = [(*before, *(piece.id for piece in joined.second)) for joined in asked]
        # A text in many pairs is read by itself only once.
        texts = list(dict.fromkeys([*after, *alone]))
        found = yield from logprobs(self._runtime, texts)
        scores = dict(zip(texts, found, strict=True))
        return [
            self._direction(joined, scores[whole].double().tolist(), scores[own].double().tolist())
            for joined, whole, own in zip(asked, after, alone, strict=True)
        ]

    def _direction(
        self, joined: Joined, after: list[float], by_itself: list[float]
    ) -> PmiDirection:
        """The result for one order, from the log-probabilities (nats) of the second text's tokens
        after the first text and by itself.
        """
        scored = len(joined.second) - (self._start is None)
        conditional, alone = after[-scored:], by_itself[-scored:]
        bits = (sum(conditional) - sum(alone)) / math.log(2)
        unscored = [None] * (len(joined.second) - scored)
        return PmiDirection(
            bits=bits,
            bits_per_token=bits / scored,
            logprob_conditional=sum(conditional),
            logprob_alone=sum(alone),
            tokens=_scored(joined.second, [*unscored, *conditional], [*unscored, *alone]),
            before=[*([] if self._start is None else [self._start.id]), *joined.first],
        )


def _scored(
    pieces: Sequence[Piece], conditional: Sequence[float | None], alone: Sequence[float | None]
) -> list[ScoredToken]:
    return [
        ScoredToken(piece.id, piece.text, after, by_itself)
        for piece, after, by_itself in zip(pieces, conditional, alone, strict=True)
    ]

"""Scores one pair, or many, with all witnesses of a model."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from msgspec import structs

from engine.errors import EngineError
from engine.messages import (
    Done,
    Event,
    PairScore,
    Progress,
    Score,
    ScorePairs,
    ScoreResult,
    Shuffled,
    Timing,
    Trimmed,
)
from engine.runtime.batches import by_length
from engine.runtime.loaded import LoadedModel
from engine.tasks.continuity.shuffling import Shuffles, shuffles
from engine.tasks.continuity.sides import cleaned, trimmed
from engine.tasks.continuity.verdict import verdict
from engine.tasks.continuity.witnesses import AnyWitness, main_figure, witnesses
from engine.tasks.limits import check_states
from engine.text import ordering

Steps = Generator[Event | None, None, None]

BATCH_TOKENS = 1024
"""Tokens of the pairs in a batch: some tenths of a second with a small model."""
CUT_AT_ONCE = 64
"""Pairs tokenized between two steps of the scheduler."""


def score_pair(
    model: LoadedModel, request: Score
) -> Generator[Event | None, None, list[ScoreResult]]:
    """Yield each witness's result, and `Progress` between them; return them all.

    Raises:
        EngineError: ``bad_request`` if a side is empty; ``too_long`` if not even parts of both fit
            the context; ``unable`` if the model provides no witness.
    """
    asked = witnesses(model, cosine=request.cosine and model.has_states)
    pair = _Pair.of(model, asked, 0, request.a, request.b)
    others = pair.shuffles(model, request.shuffles)
    results: list[ScoreResult] = []
    for number, witness in enumerate(asked):
        (result,) = yield from witness.judge([pair.cuts[number]])
        result = yield from _finished(witness, pair, result, others)
        results.append(result)
        yield result
        if len(results) < len(asked):
            yield Progress(done=len(results), total=len(asked))
    return results


def run_pairs(model: LoadedModel, request: ScorePairs, load_s: float) -> Steps:
    """Yield a `PairScore` for each pair, then `Done`; None between steps.

    Pairs of similar length are read together. A pair that cannot be scored is answered with the
    reason, without affecting the others.

    Raises:
        EngineError: ``unable`` if the model provides no witness, or no states for the cosine that
            is asked for.
    """
    began = time.monotonic()
    if request.cosine:
        check_states(model)
    asked = witnesses(model, cosine=request.cosine)
    ready: list[_Pair] = []
    for index, (a, b) in enumerate(request.pairs):
        try:
            ready.append(_Pair.of(model, asked, index, a, b))
        except EngineError as error:
            yield PairScore(index=index, error=error.event)
        if index % CUT_AT_ONCE == CUT_AT_ONCE - 1:
            yield None
    for numbers in by_length([pair.length for pair in ready], BATCH_TOKENS):
        batch = [ready[number] for number in numbers]
        judged = []
        for number, witness in enumerate(asked):
            judged.append((yield from witness.judge([pair.cuts[number] for pair in batch])))
        for pair, results in zip(batch, zip(*judged, strict=True), strict=True):
            others = pair.shuffles(model, request.shuffles)
            finished = []
            for witness, result in zip(asked, results, strict=True):
                finished.append((yield from _finished(witness, pair, result, others)))
            first, *rest = finished
            yield PairScore(
                index=pair.index, result=first, others=rest, verdict=verdict([first, *rest])
            )
        yield None
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


@dataclass(frozen=True)
class _Pair:
    """A pair that can be scored, tokenized for each witness."""

    index: int
    a: str
    b: str
    cuts: list[Any]
    trimmed: Trimmed | None

    @classmethod
    def of(
        cls, model: LoadedModel, asked: Sequence[AnyWitness], index: int, a: str, b: str
    ) -> _Pair:
        """Tokenize two texts, trimming them if they do not fit the model.

        Raises:
            EngineError: ``bad_request`` or ``too_long``, see `score_pair`.
        """
        a, b = cleaned(a, b)
        try:
            return cls(index, a, b, [witness.cut(a, b) for witness in asked], None)
        except EngineError as error:
            contexts = [part.context for part in (model.masked, model.causal) if part is not None]
            context = min((each for each in contexts if each is not None), default=None)
            if error.event.kind != "too_long" or context is None:
                raise
        a, b, kept = trimmed(model.tokenizer, context, a, b)
        return cls(index, a, b, [witness.cut(a, b) for witness in asked], kept)

    @property
    def length(self) -> int:
        """Tokens of the longest row read for it."""
        lengths: list[int] = [cut.length for cut in self.cuts]
        return max(lengths)

    def shuffles(self, model: LoadedModel, times: int) -> Shuffles | None:
        """Its shuffles; None if none are wanted or possible."""
        return shuffles(model.tokenizer, self.a, self.b, times) if times else None


def _finished(
    witness: AnyWitness, pair: _Pair, result: ScoreResult, others: Shuffles | None
) -> Generator[None, None, ScoreResult]:
    """Add to a result how much was read, and its percentile among shuffled texts."""
    result = structs.replace(result, trimmed=pair.trimmed)
    cuts = []
    for a, b in others.pairs if others is not None else ():
        try:
            cuts.append(witness.cut(a, b))
        except EngineError:
            continue  # in this order it has a few more tokens, which do not fit
    figures: list[float] = []
    for numbers in by_length([cut.length for cut in cuts], BATCH_TOKENS):
        figures += yield from witness.figures([cuts[number] for number in numbers])
        yield None
    if others is None or not figures:
        return result
    place = ordering.percentile_among(main_figure(result), figures)
    shuffled = Shuffled(unit=others.unit, times=len(figures), percentile=place)
    return structs.replace(result, shuffled=shuffled)

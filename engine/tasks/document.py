"""Scores the sentences of a text: how well each continues the one before, or any other.

Pairs are scored by `engine.tasks.continuity`, a few dozen at once, and cached with the model, so
that moving sentences does not compute a pair again.
"""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Generator, Iterable, Sequence
from itertools import pairwise
from typing import get_args

from msgspec import structs

from engine.errors import refusal
from engine.messages import (
    Arranged,
    Cell,
    Document,
    DocumentResult,
    Done,
    Event,
    Gap,
    MatrixCells,
    PairScore,
    Progress,
    ScorePairs,
    Sentence,
    Timing,
    Witness,
    WitnessName,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import continuity
from engine.text import ordering, texttiling
from engine.text.sentences import split

Steps = Generator[Event | None, None, None]
Pair = tuple[int, int]
"""The numbers of two sentences, the smaller first, as both orders are scored together."""

AT_ONCE = 32
"""Pairs between two events: enough for a full batch or two, few enough to show progress."""
MOST = 200
"""Maximum number of sentences for scoring all pairs: about 20,000, which fit the cache."""


def run(model: LoadedModel, request: Document, load_s: float) -> Steps:
    """Yield `Progress`, a `DocumentResult`, then what else was requested, and `Done`.

    Raises:
        EngineError: ``bad_request`` for fewer than two sentences, for a matrix or an order of more
            than `MOST`, for a place or a gap that does not exist, and for a figure that the model
            does not provide; what scoring raises if no pair can be scored.
    """
    began = time.monotonic()
    sentences = _sentences(request)
    count = len(sentences)
    _check(request, count)
    pairs = _Pairs(model, [_unwrapped(sentence.text) for sentence in sentences])
    neighbours = [(at, at + 1) for at in range(count - 1)]
    for some in _portions(neighbours):
        yield from pairs.score(some)
        yield Progress(done=some[-1][1], total=count - 1)
    name = _figure(request.witness, [pairs.witness(*pair) for pair in neighbours])
    result = _result(model, request, sentences, pairs, name)
    yield result
    if request.matrix:
        every = [(at, at + by) for by in range(1, count) for at in range(count - by)]
        for some in _portions(every):
            yield from pairs.score(some)
            cells = [cell for pair in some for cell in pairs.cells(pair, name)]
            yield MatrixCells(cells, count * (count - 1))
    if request.shuffles or request.place is not None or request.order:
        yield from _arranged(request, count, pairs, name)
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


class _Pairs:
    """The sentences of a text, and the scores of pairs of them."""

    def __init__(self, model: LoadedModel, texts: list[str]) -> None:
        self._model = model
        self._texts = texts
        self._witnesses: dict[Pair, Witness] = {}
        """In both orders; kept here because the model's cache may drop a pair at any time."""

    def score(self, pairs: Iterable[Pair]) -> Steps:
        """Score the pairs that have not been scored, in both orders."""
        missing: dict[tuple[str, str], list[Pair]] = {}
        for one, other in pairs:
            first, second = self._texts[one], self._texts[other]
            there = self._model.pair_cache.get(first, second)
            back = self._model.pair_cache.get(second, first)
            if there is None or back is None:
                missing.setdefault((first, second), []).append((one, other))
            else:
                self._witnesses[one, other], self._witnesses[other, one] = there, back
        if not missing:
            return
        texts = list(missing)
        here = self._model.remote is None  # a server gives no states
        request = ScorePairs(model=self._model.files.id, pairs=texts, cosine=here)
        for event in continuity.run_pairs(self._model, request, 0.0):
            if isinstance(event, PairScore):
                first, second = texts[event.index]
                there, back = continuity.both_ways(event)
                self._model.pair_cache.keep(first, second, there)
                self._model.pair_cache.keep(second, first, back)
                for one, other in missing[first, second]:
                    self._witnesses[one, other], self._witnesses[other, one] = there, back
            yield None

    def witness(self, first: int, second: int) -> Witness:
        """The scores of `second` right after `first`; the pair must have been scored."""
        return self._witnesses[first, second]

    def cells(self, pair: Pair, name: WitnessName) -> list[Cell]:
        """A pair's cells of the matrix."""
        return [
            Cell(first, second, figure(self.witness(first, second), name))
            for first, second in (pair, pair[::-1])
        ]

    def scores(self, name: WitnessName) -> list[list[float]]:
        """The figure of every pair; a missing one counts as the worst of the others."""
        figures = {at: figure(witness, name) for at, witness in self._witnesses.items()}
        worst = min(score for score in figures.values() if score is not None)
        numbers = range(len(self._texts))
        found = [[figures.get((one, other)) for other in numbers] for one in numbers]
        return [[worst if score is None else score for score in row] for row in found]


def figure(witness: Witness, name: WitnessName) -> float | None:
    """One figure of a witness."""
    score: float | None = getattr(witness, name)
    return score


def _sentences(request: Document) -> list[Sentence]:
    """The sentences of the text; those of a list are placed as if joined by line breaks."""
    if isinstance(request.text, str):
        return split(request.text)
    found: list[Sentence] = []
    start = 0
    for written in request.text:
        found.append(Sentence(written, start, start + len(written)))
        start += len(written) + 1
    return found


def _check(request: Document, count: int) -> None:
    if count < 2:
        raise refusal("bad_request", "few_sentences", count=count)
    if (request.matrix or request.order or request.shuffles) and count > MOST:
        raise refusal("bad_request", "many_sentences", count=count, most=MOST)
    if request.place is not None and request.place >= count:
        raise refusal("bad_request", "no_such_sentence", number=request.place + 1, count=count)
    for gap in request.reference or ():
        if not 0 <= gap < count - 1:
            raise refusal(
                "bad_request", "no_such_boundary", number=gap + 1, count=count, last=count - 1
            )


def _unwrapped(sentence: str) -> str:
    """A sentence without line breaks."""
    first, *rest = re.split(r"\s*[\r\n]\s*", sentence.strip())
    for part in rest:
        first += continuity.join(first, part) + part
    return first


def _portions(pairs: Sequence[Pair]) -> Iterable[Sequence[Pair]]:
    return (pairs[at : at + AT_ONCE] for at in range(0, len(pairs), AT_ONCE))


def _figure(wanted: WitnessName | None, witnesses: Sequence[Witness]) -> WitnessName:
    """The figure to judge by: the requested one, else the first available."""
    names: tuple[WitnessName, ...] = get_args(WitnessName)
    given = [
        name for name in names if any(figure(witness, name) is not None for witness in witnesses)
    ]
    if not given:
        raise refusal("bad_request", "no_pair_scored", why=witnesses[0].error)
    if wanted is not None and wanted not in given:
        raise refusal("bad_request", "no_such_witness", witness=wanted, given=list(given))
    return wanted or given[0]


def _result(
    model: LoadedModel,
    request: Document,
    sentences: list[Sentence],
    pairs: _Pairs,
    name: WitnessName,
) -> DocumentResult:
    """The result once all gaps are scored."""
    numbers = range(len(sentences) - 1)
    gaps = [
        Gap(
            forward=pairs.witness(at, at + 1),
            backward=pairs.witness(at + 1, at),
            score=figure(pairs.witness(at, at + 1), name),
            depth=None,
        )
        for at in numbers
    ]
    # Gaps without a score are skipped, so that their neighbours are adjacent.
    scored = [(at, gap.score) for at, gap in enumerate(gaps) if gap.score is not None]
    scores = [score for _, score in scored]
    depths = texttiling.depths(scores)
    for (at, _), depth in zip(scored, depths, strict=True):
        gaps[at] = structs.replace(gaps[at], depth=depth)
    found = [scored[at][0] for at in texttiling.boundaries(scores)]
    reference = request.reference
    if reference is None:
        reference = [at for at in numbers if sentences[at + 1].opens]
    result = DocumentResult(
        model=model.files.id,
        precision=model.precision,
        weights=model.files.weights,
        witness=name,
        sentences=sentences,
        gaps=gaps,
        coherence=statistics.fmean(scores),
        threshold=texttiling.threshold(depths),
        boundaries=found,
        reference=sorted(set(reference)),
    )
    if not reference:
        return result
    count = len(sentences)
    return structs.replace(
        result,
        pk=texttiling.pk(count, reference, found),
        window_diff=texttiling.window_diff(count, reference, found),
        window=texttiling.window(count, reference),
    )


def _arranged(request: Document, count: int, pairs: _Pairs, name: WitnessName) -> Steps:
    """Compare this order with others, scoring the pairs needed for that."""
    orders = ordering.shuffled(count, request.shuffles)
    needed = {(min(pair), max(pair)) for order in orders for pair in pairwise(order)}
    at = request.place
    if at is not None:
        needed |= {(min(at, each), max(at, each)) for each in range(count) if each != at}
        if 0 < at < count - 1:
            needed.add((at - 1, at + 1))
    if request.order:
        needed = {(one, other) for other in range(count) for one in range(other)}
    asked = sorted(needed, key=lambda pair: pair[1] - pair[0])
    done = 0
    for some in _portions(asked):
        yield from pairs.score(some)
        done += len(some)
        yield Progress(done=done, total=len(asked))
    scores = pairs.scores(name)
    answer = Arranged(shuffles=len(orders))
    if orders:
        answer = structs.replace(answer, percentile=ordering.percentile(scores, orders))
    if at is not None:
        means = [total / (count - 1) for total in ordering.places(scores, at)]
        answer = structs.replace(answer, places=means)
    if request.order:
        order = yield from ordering.better(scores)
        answer = structs.replace(
            answer,
            order=order,
            order_coherence=ordering.total(scores, order) / (count - 1),
            exact=count <= ordering.EXACT,
        )
    yield answer

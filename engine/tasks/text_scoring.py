"""Scores every token of many texts, with a causal model or, each token behind a mask, a masked one.

A causal model reads a text as `Continue` reads one that it is given whole: after the start token,
where it has one. The first token of a text that nothing precedes has no figures.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal, Protocol

from engine.decoding.prompting import framing, unknown_token
from engine.errors import EngineError, refusal
from engine.interfaces import CausalRuntime, MaskedRuntime
from engine.messages import (
    Done,
    Event,
    Piece,
    PllMethod,
    ScoredBy,
    ScoreTexts,
    TextEnd,
    TextScore,
    TextToken,
    Timing,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import pseudo_likelihood
from engine.tasks.limits import causal, fills_masks

if TYPE_CHECKING:
    import torch

Steps = Generator[Event | None, None, None]
Figures = tuple[float, int | None, float | None, float | None]
"""The log-probability of a token (nats), its rank, the entropy where it stands (nats), and the
log-probability that a word begins there, where that was asked for. Rank and entropy are None where
a server does not say."""
Take = Callable[[int, list[Figures]], None]

CUT_AT_ONCE = 64
"""Texts tokenized between two steps of the scheduler."""


def run(model: LoadedModel, request: ScoreTexts, load_s: float) -> Steps:
    """Yield a `ScoredBy`, a `TextScore` for each text, then `Done`; None between steps.

    A text that cannot be scored is answered with the reason, without affecting the others.

    Raises:
        EngineError: ``unable`` if the model cannot score in the way that is asked for.
    """
    began = time.monotonic()
    reader: _Reader
    if request.method == "causal" or (request.method is None and model.causal is not None):
        reader = _Causal(model, causal(model)[0], request)
    else:
        reader = _Masked(model, fills_masks(model), request.method or "original")
    yield reader.by
    # The same text in several places is read once.
    places: dict[str, list[int]] = {}
    for index, text in enumerate(request.texts):
        places.setdefault(text, []).append(index)
    rows: list[Any] = []
    owners: list[tuple[_Text, int]] = []
    ready: list[_Text] = []
    for number, (text, indices) in enumerate(places.items(), 1):
        try:
            cut = reader.cut(indices, text)
        except EngineError as error:
            for index in indices:
                yield TextScore(index=index, error=error.event)
            continue
        if not cut.rows:  # a single token that nothing precedes
            yield from cut.answers()
        rows += cut.rows
        owners += [(cut, row) for row in range(len(cut.rows))]
        if number % CUT_AT_ONCE == 0:
            yield None

    def take(number: int, figures: list[Figures]) -> None:
        owner, row = owners[number]
        owner.figures[row] = figures
        if len(owner.figures) == len(owner.rows):
            ready.append(owner)

    for _ in reader.read(rows, take):
        for finished in ready:
            yield from finished.answers()
        ready.clear()
        yield None
    for finished in ready:
        yield from finished.answers()
    yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))


@dataclass
class _Text:
    """A text that is being scored, in one part or several."""

    indices: list[int]
    """Where it is among the texts of the request."""
    pieces: list[Piece]
    """Its own tokens, without those that frame it."""
    rows: list[Any]
    """What is read for it; each row gives the figures of some tokens, in their order."""
    windows: int = 1
    after: bool = False
    """Whether the last figures are those of what comes after the text."""
    figures: dict[int, list[Figures]] = field(default_factory=dict)
    """By the number of the row that gave them."""

    def answers(self) -> Iterator[TextScore]:
        """Its scores, once every row is read."""
        figures = [each for number in range(len(self.rows)) for each in self.figures[number]]
        after = None
        if self.after:
            _, _, entropy, boundary = figures.pop()
            after = TextEnd(entropy, boundary)
        unscored = self.pieces[: len(self.pieces) - len(figures)]
        tokens = [TextToken(*_place(piece)) for piece in unscored]
        for piece, found in zip(self.pieces[len(unscored) :], figures, strict=True):
            tokens.append(TextToken(*_place(piece), *found))
        impossible = not all(isfinite(found[0]) for found in figures)
        error = refusal("unable", "zero_probability").event if impossible else None
        for index in self.indices:
            if error is not None:
                yield TextScore(index=index, error=error)
            else:
                yield TextScore(index=index, tokens=tokens, windows=self.windows, after=after)


def scored_by(
    model: LoadedModel, method: Literal["causal"] | PllMethod, start: Sequence[Piece] = ()
) -> ScoredBy:
    """What scores texts in this way, after these tokens."""
    return ScoredBy(
        model=model.files.id,
        revision=model.files.revision,
        method=method,
        start=start[0].piece if start else None,
        precision=model.precision,
        weights=model.files.weights,
    )


class _Reader(Protocol):
    """Scores texts with a model of one kind."""

    by: ScoredBy

    def cut(self, indices: list[int], text: str) -> _Text:
        """Tokenize a text.

        Raises:
            EngineError: it cannot be scored.
        """

    def read(self, rows: Sequence[Any], take: Take) -> Iterator[object]:
        """Read rows, a forward pass at each step, and give `take` the figures of each."""


class _Causal:
    """After the start token, from left to right. A row: ids, and how many of the last to score."""

    def __init__(self, model: LoadedModel, runtime: CausalRuntime, request: ScoreTexts) -> None:
        self._request = request
        self._model = model
        self._runtime = runtime
        self._start = framing(model) if request.start else []
        self.by = scored_by(model, "causal", self._start)

    def cut(self, indices: list[int], text: str) -> _Text:
        pieces = self._model.tokenizer.encode(text)
        if not pieces:
            raise refusal("bad_request", "no_text")
        for piece in (*self._start, *pieces):
            if not 0 <= piece.id < self._runtime.vocabulary:
                raise unknown_token(self._model, piece.id, self._runtime.vocabulary)
        ids = [piece.id for piece in pieces]
        before = [piece.id for piece in self._start] or ids[:1]
        scored = ids if self._start else ids[1:]
        if self._request.after:
            scored = [*scored, ids[-1]]  # any: what is expected in its place is what counts
        rows = list(windows(before, scored, self._runtime.context))
        return _Text(indices, pieces, rows, max(1, len(rows)), self._request.after)

    def read(self, rows: Sequence[tuple[list[int], int]], take: Take) -> Iterator[object]:
        # Not at the top: the worker imports its tasks before torch.
        from engine.decoding.word_ends import beginnings, mass
        from engine.runtime.scoring import statistics

        whole = self._model.listing is None  # a server lists too few tokens to add them up
        begins = beginnings(self._model) if self._request.boundaries and whole else None

        def kept(number: int, found: torch.Tensor) -> None:
            _, count = rows[number]
            own = found[:, found.shape[1] - count :].T.tolist()
            take(
                number,
                [
                    (logprob, _rank(rank), _known(entropy), more[0] if more else None)
                    for logprob, rank, entropy, *more in own
                ],
            )

        return statistics(
            self._runtime,
            [ids for ids, _ in rows],
            kept,
            None if begins is None else lambda logits: mass(logits, begins),
        )


class _Masked:
    """Each token behind a mask, beside all others. A row: pieces, and the place to predict."""

    def __init__(self, model: LoadedModel, runtime: MaskedRuntime, method: PllMethod) -> None:
        self._model = model
        self._runtime = runtime
        self._method = method
        self.by = scored_by(model, method)

    def cut(self, indices: list[int], text: str) -> _Text:
        pieces = pseudo_likelihood.cut(self._model, self._runtime, text)
        masked = pseudo_likelihood.hidden(self._model, text, pieces, self._method)
        rows = [
            (*pseudo_likelihood.row(self._model, self._runtime, pieces, places), pieces[places[0]])
            for places in masked
        ]
        windows = max(1, len(rows) - pseudo_likelihood.room(self._runtime, pieces) + 1)
        return _Text(indices, [own for _, _, own in rows], rows, windows)

    def read(
        self, rows: Sequence[tuple[list[Piece], list[int], Piece]], take: Take
    ) -> Iterator[object]:
        from engine.runtime import masked_rows

        def kept(number: int, logits: torch.Tensor) -> None:
            token = pseudo_likelihood.token(self._model, rows[number][2], logits[0], top=0)
            take(number, [(token.logprob, token.rank, token.entropy, None)])

        return masked_rows.read(self._runtime, [(text, place) for text, place, _ in rows], kept)


def windows(
    before: Sequence[int], ids: Sequence[int], context: int | None
) -> Iterator[tuple[list[int], int]]:
    """Cut ids that come after others into rows that fit a context, and how many of the last ids of
    each are scored in it. All rows but the first begin with half a context of what came before."""
    room = len(ids) if context is None else context - len(before)
    for done in (0, *range(room, len(ids), max(1, room // 2))) if ids else ():
        part = ids[done : done + (room // 2 if done else room)]
        left = ids[max(0, done - (room - room // 2)) : done] if done else before
        yield [*left, *part], len(part)


def _rank(found: float) -> int | None:
    return None if isnan(found) else int(found)


def _known(found: float) -> float | None:
    return None if isnan(found) else found


def _place(piece: Piece) -> tuple[int, str, int, int]:
    return piece.id, piece.text, piece.start or 0, piece.end or 0

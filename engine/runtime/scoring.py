"""Every token of whole texts under a causal model, many texts in few forward passes.

Texts that begin alike are read side by side, and what several of them begin with is read once.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass

import torch

from engine.interfaces import CausalRuntime, WholeTexts
from engine.runtime.distribution import Distribution
from engine.runtime.padding import padded

ROWS = 32
"""Sequences per batch."""
NUMBERS = 16_000_000
"""Logits held at once: 64 MB."""
PASS = 16
"""How many tokens take as long as one more forward pass, by measurement of small models."""

Take = Callable[[int, torch.Tensor], None]
Figures = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
"""Figures of targets (int64 [sequences, n]), float32 [kinds, sequences, n], from logits (float32
[rows, n, vocabulary]) and the row of each sequence (int64 [sequences])."""


def logprobs(
    runtime: CausalRuntime, sequences: Sequence[Sequence[int]]
) -> Generator[None, None, list[torch.Tensor]]:
    """Score every token of each sequence except the first, yielding between forward passes.

    Returns float32 [len - 1] for each sequence: log p(ids[i + 1] | ids[: i + 1]), in nats, before
    any sampler.
    """
    scores = [torch.empty(0)] * len(sequences)

    def take(number: int, figures: torch.Tensor) -> None:
        scores[number] = figures[0]

    yield from _read(runtime, sequences, take, _logprobs)
    return scores


def statistics(
    runtime: CausalRuntime,
    sequences: Sequence[Sequence[int]],
    take: Take,
    more: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> Generator[None, None, None]:
    """Score every token of each sequence except the first, yielding between forward passes.

    Calls `take` as soon as a sequence is read, with its index and float32 [3, len - 1]: the
    log-probability of each token, its rank, and the entropy where it stands; as in
    `engine.decoding.token_stats`. A server's that are not known are NaN. A fourth row is what
    `more` makes of the logits (float32 [rows, n, vocabulary] to [rows, n]).
    """

    def figures(logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        found = _statistics(logits, rows, targets)
        return found if more is None else torch.cat([found, more(logits)[rows][None]])

    yield from _read(runtime, sequences, take, figures)


def _logprobs(logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    places = torch.arange(targets.shape[1])
    return logits.log_softmax(-1)[rows[:, None], places, targets][None]


def _statistics(logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    places = []
    for here, own in zip(logits.unbind(1), targets.T.tolist(), strict=True):
        known = [Distribution(row) for row in here]
        found = ((known[row], target) for row, target in zip(rows.tolist(), own, strict=True))
        places.append([(each.logprob(id_), each.rank(id_), each.entropy) for each, id_ in found])
    return torch.tensor(places).permute(2, 1, 0)


def of_ids(
    runtime: CausalRuntime, sequences: Sequence[Sequence[int]], ids: Sequence[int], take: Take
) -> Generator[None, None, None]:
    """Score some ids in place of every token of each sequence except the first, yielding between
    forward passes.

    Calls `take` as soon as a sequence is read, with its index and float32 [2 * ids, len - 1]: the
    log-probabilities of each id, then the ranks of each.
    """

    def figures(logits: torch.Tensor, rows: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        scores = logits.log_softmax(-1)
        own = scores[..., list(ids)].unbind(-1)
        ranks = [1 + (scores > each[..., None]).sum(-1) for each in own]
        return torch.stack([*own, *(each.float() for each in ranks)])[:, rows]

    yield from _read(runtime, sequences, take, figures)


def _read(
    runtime: CausalRuntime, sequences: Sequence[Sequence[int]], take: Take, figures: Figures
) -> Generator[None, None, None]:
    if isinstance(runtime, WholeTexts):
        for number, known in runtime.figures(sequences):
            take(number, torch.tensor([[*map(_number, each)] for each in known]).reshape(-1, 3).T)
            yield None
        return
    order = _alike(sequences)
    for _, one in itertools.groupby(order, lambda n: runtime.regime(len(sequences[n]))):
        while numbers := list(itertools.islice(one, ROWS)):
            batch = [sequences[number] for number in numbers]
            found = yield from _side_by_side(runtime, batch, figures)
            for number, row in zip(numbers, found, strict=True):
                take(number, row)


def _number(figure: float | None) -> float:
    return math.nan if figure is None else figure


def _alike(sequences: Sequence[Sequence[int]]) -> list[int]:
    """The sequences by length, those together that have half of their tokens in common or more.

    These come by the length of the longest of them.
    """
    groups: list[list[int]] = []
    for number in sorted(range(len(sequences)), key=lambda n: tuple(sequences[n])):
        ids = sequences[number]
        before = sequences[groups[-1][-1]] if groups else ()
        if groups and 2 * _shared((before, ids)) >= max(len(before), len(ids)):
            groups[-1].append(number)
        else:
            groups.append([number])
    groups.sort(key=lambda group: max(len(sequences[number]) for number in group))
    return [number for group in groups for number in group]


@dataclass(frozen=True)
class _Stretch:
    """Columns of a batch that are read together, one row for all sequences that are equal there."""

    start: int
    stop: int
    rows: list[int]
    """The row of each sequence."""


def _side_by_side(
    runtime: CausalRuntime, sequences: Sequence[Sequence[int]], figures: Figures
) -> Generator[None, None, list[torch.Tensor]]:
    """Score sequences of one regime in one batch, padded on the right, which attention never sees.

    What they begin with is fed as one row, which is forked where they part.
    """
    width = max(map(len, sequences))
    tokens = padded(sequences)
    parts: list[torch.Tensor] = []
    branches = runtime.empty()
    before = [0] * len(sequences)
    for stretch in _stretches(tokens.tolist()):
        count = max(stretch.rows) + 1
        first = [stretch.rows.index(row) for row in range(count)]
        if count > branches.rows:
            branches = runtime.select(branches, [before[number] for number in first])
        before = stretch.rows
        chunk = max(1, NUMBERS // (count * runtime.vocabulary))
        for start in range(stretch.start, stretch.stop, chunk):
            stop = min(start + chunk, stretch.stop)
            branches, logits = runtime.read(branches, tokens[first, start:stop].tolist(), width)
            targets = tokens[:, start + 1 : stop + 1]
            parts.append(figures(logits, torch.tensor(before), targets))
            yield None
    if not parts:
        return [torch.empty(1, 0)] * len(sequences)
    found = torch.cat(parts, dim=-1)
    return [found[:, number, : max(len(ids) - 1, 0)] for number, ids in enumerate(sequences)]


def _stretches(tokens: Sequence[Sequence[int]]) -> list[_Stretch]:
    """Where to fork the rows of a batch (all of one length), so that reading it costs least.

    A fork saves the tokens that would be fed again, and costs a forward pass.
    """
    width = len(tokens[0]) - 1  # nothing is predicted after the last token
    columns: list[list[int]] = []
    rows = [0] * len(tokens)
    for column in range(width):
        known: dict[tuple[int, int], int] = {}
        rows = [
            known.setdefault((row, ids[column]), len(known))
            for row, ids in zip(rows, tokens, strict=True)
        ]
        columns.append(rows)
    counts = [max(rows) + 1 for rows in columns]
    forks = [at for at in range(width) if not at or counts[at] > counts[at - 1]]
    cheapest: dict[int, tuple[int, list[int]]] = {0: (0, [])}
    for stop in [*forks[1:], width] if forks else []:
        cheapest[stop] = min(
            (cost + PASS + counts[stop - 1] * (stop - start), [*path, start])
            for start, (cost, path) in cheapest.items()
        )
    starts = cheapest[width][1]
    return [
        _Stretch(start, stop, columns[stop - 1])
        for start, stop in itertools.pairwise([*starts, width])
    ]


def _shared(sequences: Sequence[Sequence[int]]) -> int:
    """The length of the common prefix of all sequences."""
    columns = enumerate(zip(*sequences, strict=False))
    shortest = min(map(len, sequences))
    return next((place for place, column in columns if len(set(column)) > 1), shortest)

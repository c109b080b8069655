"""The likeliest continuations of a prompt, found exactly by best-first search.

A path is at most as likely as any prefix of it, so the first complete path at the head of the queue
is the likeliest of all, the next one the second (Dijkstra 1959). The first paths in the queue are
read in one batch, as one pass over the weights serves them all.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.decoding.prompting import lay_out
from engine.interfaces import Branches, CausalRuntime
from engine.messages import (
    Continue,
    Done,
    Event,
    NBest,
    NBestPath,
    NBestResult,
    Progress,
    Timing,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks.limits import causal, check_ranked

if TYPE_CHECKING:
    import torch

Events = Generator[Event | None, None, None]

ROWS = 16
"""Paths per batch."""
WIDTH = 512
"""Likeliest next tokens kept for each path."""
READS = 4096
"""Maximum number of paths read: with a flat distribution the search would take too long."""

UNKNOWN = -1
"""Instead of a rank, for all paths beyond what a server listed, at the lowest cost that they may
have: nothing is known of those that would follow."""


@dataclass(order=True)
class _Path:
    """A path in the queue, and the rank of its last token after the rest of it."""

    cost: float
    ids: tuple[int, ...] = field(compare=False)
    parent: _Next | None = field(compare=False, default=None)
    rank: int = field(compare=False, default=0)


@dataclass(frozen=True)
class _Next:
    """The likeliest next tokens of a path, best first, and the cost of each resulting path."""

    ids: tuple[int, ...]
    tokens: list[int]
    costs: list[float]
    listed: bool = False
    """Whether a server listed no others, which may be as likely as the last of these."""


def run(model: LoadedModel, request: NBest, load_s: float) -> Events:
    """Yield `Progress` now and then, `NBestResult` and `Done`.

    Raises:
        EngineError: ``unable`` if the model is not causal; see
            `engine.decoding.prompting.lay_out`.
    """
    began = time.perf_counter()
    runtime, prefix_cache = causal(model)
    check_ranked(model)
    prompt = lay_out(
        model, runtime, Continue(model=request.model, prompt=request.prompt, max_tokens=1)
    )
    ids = [piece.id for piece in prompt.pieces]
    length = request.max_tokens
    if runtime.context is not None:
        length = min(length, runtime.context - len(ids))
    row = yield from prefix_cache.prefill(ids)
    ends = model.tokenizer.ends
    queue = [_Path(0.0, ())]
    found: list[_Path] = []
    reads = 0
    cut = False
    while queue and len(found) < request.n and reads < READS:
        first = _pop(queue)
        if first.rank == UNKNOWN:
            cut = True
            break
        if len(first.ids) == length or (first.ids and first.ids[-1] in ends):
            found.append(first)
            continue
        batch = [first]
        # The others in the batch may turn out to be unnecessary, but cost almost nothing.
        while queue and len(batch) < ROWS and len(queue[0].ids) == len(first.ids):
            if queue[0].rank == UNKNOWN or len(queue[0].ids) == length or queue[0].ids[-1] in ends:
                break
            batch.append(_pop(queue))
        for following in _read(model, runtime, row, batch):
            _push(queue, following, 0)
        reads += len(batch)
        yield Progress(done=len(found), total=request.n)
    stream = model.tokenizer.stream
    paths = []
    for path in found:
        decoder = stream(ids)
        text = "".join(decoder.push(number) for number in path.ids if number not in ends)
        paths.append(NBestPath(ids=list(path.ids), text=text + decoder.flush(), logprob=-path.cost))
    yield NBestResult(
        model=model.files.id,
        revision=model.files.revision,
        precision=model.precision,
        weights=model.files.weights,
        paths=paths,
        complete=len(found) == request.n or not (queue or cut),
        reads=reads,
    )
    yield Done(timing=Timing(load_s=load_s, total_s=time.perf_counter() - began))


def _pop(queue: list[_Path]) -> _Path:
    """Take the likeliest path, and queue the next one with the same prefix in its place."""
    path = heapq.heappop(queue)
    if path.parent is not None:
        _push(queue, path.parent, path.rank + 1)
    return path


def _push(queue: list[_Path], following: _Next, rank: int) -> None:
    if rank < len(following.tokens):
        ids = (*following.ids, following.tokens[rank])
        heapq.heappush(queue, _Path(following.costs[rank], ids, following, rank))
    elif following.listed:
        heapq.heappush(queue, _Path(following.costs[-1], following.ids, rank=UNKNOWN))


def _read(
    model: LoadedModel, runtime: CausalRuntime, row: Branches, batch: Sequence[_Path]
) -> list[_Next]:
    """The next tokens of paths of one length."""
    if batch[0].ids:
        rows = runtime.select(row, [0] * len(batch))
        logits = runtime.feed(rows, [path.ids for path in batch]).logits
    else:
        logits = row.logits
    listed = model.listing is not None
    costs, tokens = _costs(logits if listed else logits.log_softmax(-1))
    return [
        _Next(path.ids, numbers, [path.cost + cost for cost in own], listed)
        for path, numbers, own in zip(batch, tokens, costs, strict=True)
    ]


def _costs(logprobs: torch.Tensor) -> tuple[list[list[float]], list[list[int]]]:
    """The surprisal of the likeliest tokens of each row, and their ids."""
    best = logprobs.topk(min(WIDTH, logprobs.shape[-1]))
    possible = best.values.isfinite()
    rows = zip(best.values, best.indices, possible, strict=True)
    found = [((-values[kept]).tolist(), numbers[kept].tolist()) for values, numbers, kept in rows]
    return [costs for costs, _ in found], [tokens for _, tokens in found]

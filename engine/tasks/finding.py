"""Searches a causal model's vocabulary for a text, with the probability of each match."""

from __future__ import annotations

import math
import time
from collections.abc import Generator, Sequence

from engine.messages import Done, Event, Find, Found, Match, Timing
from engine.runtime.loaded import LoadedModel
from engine.tasks.limits import place

Events = Generator[Event | None, None, None]


def run(model: LoadedModel, request: Find, load_s: float) -> Events:
    """Yield `Found` and `Done`.

    Tokens that equal the query come first, then those that begin with it, then those that contain
    it, each by rank. If no token equals the query, the query as several tokens comes first.

    An empty query finds the likeliest tokens. Letter case and surrounding spaces are ignored.
    Yields None between forward passes.

    Raises:
        EngineError: see `engine.tasks.limits.place`.
    """
    # Not at the top: the worker imports its tasks before torch.
    from engine.decoding.token_stats import known_rank
    from engine.runtime.distribution import rank
    from engine.runtime.scoring import logprobs

    began = time.perf_counter()
    runtime, prefix_cache = place(model, request.ids)
    row = yield from prefix_cache.prefill(request.ids)
    logits = row.logits[0]
    scores = logits.log_softmax(-1) if model.listing is None else logits
    ranked = logits.argsort(descending=True, stable=True)
    # Impossible ids are not matches.
    order: list[int] = ranked[logits[ranked].isfinite()].tolist()
    found = _tokens(model.texts, request.query, order)
    matches = [
        Match(
            ids=[number],
            text=text,
            logprob=float(scores[number]),
            rank=known_rank(rank(logits, number), model.listing),
        )
        for number, text in found[: request.limit]
    ]
    exact = any(text.strip().casefold() == request.query.strip().casefold() for _, text in found)
    spelt = [] if exact else _spellings(model, request.query)
    room = math.inf if runtime.context is None else runtime.context - len(request.ids)
    spelt = [each for each in spelt if len(each[0]) <= room and max(each[0]) < runtime.vocabulary]
    texts = yield from logprobs(runtime, [[*request.ids, *ids] for ids, _ in spelt])
    whole = [
        Match(ids=ids, text=text, logprob=float(score[len(request.ids) - 1 :].double().sum()))
        for (ids, text), score in zip(spelt, texts, strict=True)
    ]
    whole.sort(key=lambda match: -match.logprob)
    yield Found(model=model.files.id, matches=[*whole, *matches], tokens=len(found))
    yield Done(timing=Timing(load_s=load_s, total_s=time.perf_counter() - began))


def _tokens(texts: Sequence[str], query: str, order: Sequence[int]) -> list[tuple[int, str]]:
    """The tokens that contain the query, the best first."""
    wanted = query.strip().casefold()
    kinds: list[list[tuple[int, str]]] = [[], [], []]
    for number in order:
        if number >= len(texts):
            continue  # a padded vocabulary has unused ids
        text = texts[number]
        bare = text.strip().casefold()
        if wanted in bare:
            kind = 0 if bare == wanted or not wanted else 1 if bare.startswith(wanted) else 2
            kinds[kind].append((number, text))
    return [match for kind in kinds for match in kind]


def _spellings(model: LoadedModel, query: str) -> list[tuple[list[int], str]]:
    """The query's tokens with and without a space before it, if they are several; one alone too
    where a server has not listed it."""
    tokenizer = model.tokenizer
    fewest = 2 if model.listing is None else 1
    if not query.strip():
        return []
    found: dict[tuple[int, ...], str] = {}
    for text in (query, f" {query.strip()}"):
        ids = tuple(piece.id for piece in tokenizer.after(text))
        if len(ids) >= fewest and tokenizer.unknown not in ids:
            found.setdefault(ids, text)
    if any(len(ids) == 1 for ids in found):
        found = {ids: text for ids, text in found.items() if len(ids) == 1}
    return [(list(ids), text) for ids, text in found.items()]

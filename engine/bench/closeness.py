"""How far the forms are from exact, beside llama.cpp on the same text."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping
from functools import partial

from engine.bench.decoding import Forms
from engine.bench.ggufs import Gguf
from engine.interfaces import ModelFiles
from engine.messages import Distance, Measured, MeasuredIn
from engine.runtime.distance import measure
from engine.store import distances


def close(files: ModelFiles, models: Forms, ggufs: Mapping[str, Gguf]) -> Iterator[Measured]:
    """The mean divergence of each form, and how often it agrees on the likeliest token."""
    exact = models.get("exact")
    if exact is None or exact.causal is None:
        return
    ids = [piece.id for piece in exact.tokenizer.prompt(distances.text(files.languages))]
    from_exact = partial(measure, exact.causal, ids=ids)
    peers = {name: _finished(from_exact(gguf.reader(), "int4")) for name, gguf in ggufs.items()}
    for form, model in models.items():
        if form == "exact" or model.causal is None:
            continue
        found = _finished(from_exact(model.causal, form))
        yield _measured(form, "nats", lambda each: each.kl, found, peers)
        yield _measured(f"{form}, same top", "%", lambda each: 100 * each.top1, found, peers)


def _measured(
    case: str,
    unit: MeasuredIn,
    figure: Callable[[Distance], float],
    found: Distance,
    peers: Mapping[str, Distance],
) -> Measured:
    return Measured(
        group="distance",
        case=case,
        unit=unit,
        value=figure(found),
        peers={name: figure(peer) for name, peer in peers.items()},
    )


def _finished(measuring: Generator[float, None, Distance]) -> Distance:
    while True:
        try:
            next(measuring)
        except StopIteration as stop:
            found: Distance = stop.value
            return found

"""`python -P -m engine.bench`: a line of JSON for each result, for progress and for an error."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from engine.errors import EngineError, refusal
from engine.machine import threads
from engine.messages import Measured, Progress
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from engine.precision import forms as possible
from engine.server import pipes
from engine.store.store import Store

_SHARES = (40, 10, 20, 20, 60, 60, 160, 160, 160, 120, 40, 40, 60, 30)
"""About the seconds that each part of a full run takes with a small model on two cores; only their
proportions count."""


def main() -> None:
    """Run the requested groups on the models of a store."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--precision", action="append", required=True)
    parser.add_argument("--threads", type=int, default=threads.default_threads())
    parser.add_argument("--quick", action="store_true")
    options = parser.parse_args()
    pipes.go_offline(os.environ)
    # Libraries print to standard output, which is only for results.
    results = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    try:
        for result in _results(options):
            results.write(msgspec.json.encode(result) + b"\n")
    except EngineError as error:
        results.write(msgspec.json.encode(error.event) + b"\n")


def _progress() -> Iterator[Progress]:
    """How much is done before each part."""
    for number in range(len(_SHARES)):
        yield Progress(done=sum(_SHARES[:number]), total=sum(_SHARES))


def _results(options: argparse.Namespace) -> Iterator[Measured | Progress]:
    from transformers.utils import logging

    from engine.bench import (
        bandwidth,
        closeness,
        decoding,
        filling,
        loading,
        neighbours,
        scoring,
        shapes,
        starting,
        steps,
    )
    from engine.bench.ggufs import ggufs
    from engine.bench.peers import peers

    threads.use(options.threads)
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    store = Store(options.store)
    files = store.find(options.model)
    if "causal" not in files.heads:
        raise refusal("unable", "bench_not_causal", model=files.id, causal=STARTER_CAUSAL)
    forms = [form for form in options.precision if form in possible(files.model_type)]
    tokens, rounds = (8, 1) if options.quick else (64, 3)
    models, others = decoding.load(files, forms), peers(files)
    progress = _progress()
    yield next(progress)
    llamas = ggufs(files, options.threads)
    others |= {name: gguf.decoder() for name, gguf in llamas.items()}
    decoded = list(decoding.decode(files.id, models, others, tokens, rounds))
    yield from decoded
    yield next(progress)
    yield from bandwidth.shares(models, decoded, rounds)
    yield next(progress)
    yield from steps.steps(files.id, models, rounds)
    yield next(progress)
    yield from decoding.first_token(models, others, rounds)
    yield next(progress)
    if "exact" in models:
        yield from scoring.sentences(models["exact"], 20 if options.quick else 1000, rounds)
    yield next(progress)
    yield from closeness.close(files, models, llamas)
    turn_s = 1.0 if options.quick else 4.0
    beside = neighbours.beside(files, models, turn_s, rounds)
    for _ in neighbours.NEIGHBOURS:
        yield next(progress)
        yield from islice(beside, len(models))
    del models, others
    yield next(progress)
    with TemporaryDirectory() as place:
        random = shapes.rinna(Path(place))
        models, others = decoding.load(random, forms), peers(random)
        yield from decoding.decode(shapes.RINNA, models, others, tokens, rounds)
        yield from steps.steps(shapes.RINNA, models, rounds)
    bert = store.find(STARTER_MASKED)
    yield next(progress)
    yield from filling.fill(bert, 2 if options.quick else 20, rounds)
    yield next(progress)
    yield from scoring.pairs(bert, 20 if options.quick else 200, rounds)
    yield next(progress)
    yield from loading.load(options.store, files, forms, rounds)
    yield next(progress)
    yield from starting.start(options.store, rounds)


if __name__ == "__main__":
    main()

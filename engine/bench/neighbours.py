"""Tokens per second while other programs keep cores busy, on fixed numbers of threads and as the
engine chooses them."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import torch

from engine.bench import decoding
from engine.bench.decoding import Forms
from engine.bench.timing import turns
from engine.interfaces import ModelFiles
from engine.machine import threads
from engine.machine.threads import EVERY_S, Threads
from engine.messages import Measured, Precision
from engine.precision import QUANTISED
from engine.runtime.loaded import LoadedModel

NEIGHBOURS = (0, 1, 2)
LENGTH = 64
"""Tokens before a new text is begun, so that fast ways do not get longer ones."""


def beside(files: ModelFiles, models: Forms, turn_s: float, rounds: int) -> Iterator[Measured]:
    """Measure one stream of each form beside 0, 1 and 2 programs that keep a core busy each.

    A turn takes `turn_s` seconds, however slow. Each way has graphs of its own, which are compiled
    for its threads.
    """
    most = torch.get_num_threads()
    graphs = [form for form in models if form in QUANTISED]
    chosen = Threads(most, fixed=False, changed=lambda now: None)
    ways: dict[str, Callable[[], float]] = {}
    time.sleep(EVERY_S)
    chosen.look()
    for form, model in {**models, **decoding.load(files, graphs)}.items():
        ways[f"{form}, chosen"] = partial(_speed, model, chosen, turn_s)
    for number in {1, most}:
        threads.use(number)
        for form, model in {**models, **decoding.load(files, graphs)}.items():
            fixed = Threads(number, fixed=True, changed=lambda now: None)
            ways[_fixed(form, number)] = partial(_speed, model, fixed, turn_s)
    for others in NEIGHBOURS:
        with _busy(others):
            found = turns(ways, rounds)
        for form in models:
            yield Measured(
                group=f"neighbours {files.id}",
                case=f"{form}, beside {others} busy programs",
                unit="tokens/s",
                value=found[f"{form}, chosen"],
                peers={f"threads: {n}": found[_fixed(form, n)] for n in sorted({1, most})},
            )
    threads.use(most)


def _fixed(form: Precision, number: int) -> str:
    return f"{form}, {number}"


@contextmanager
def _busy(programs: int) -> Iterator[None]:
    """Run programs that never rest."""
    with ExitStack() as running:
        for _ in range(programs):
            program = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            running.callback(program.wait)
            running.callback(program.kill)
        yield


def _speed(model: LoadedModel, chosen: Threads, turn_s: float) -> float:
    """Steps per second of one stream."""
    assert model.causal is not None
    threads.use(chosen.now.threads)
    row, began, passed, steps = model.causal.empty(), time.perf_counter(), 0.0, 0
    while passed < turn_s:
        chosen.look()
        with threads.for_form(model.precision):
            row = model.causal.feed(row, [[steps % LENGTH]])
        steps += 1
        if not steps % LENGTH:
            row = model.causal.empty()
        passed = time.perf_counter() - began
    return steps / passed

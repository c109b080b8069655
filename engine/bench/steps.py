"""The time of one decoding step, and in PyTorch's forms of its matrix multiplications alone.

A step they dominate only gets faster with other kernels.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch.profiler import ProfilerActivity, profile

from engine.bench.decoding import Forms
from engine.bench.timing import seconds, turns
from engine.interfaces import CausalRuntime
from engine.machine import threads
from engine.messages import Measured, Precision
from engine.precision import QUANTISED

STEPS = 32
KERNELS = frozenset(
    {
        "mkldnn::_linear_pointwise",
        "aten::mm",
        "aten::addmm",
    }
)


def steps(name: str, models: Forms, rounds: int) -> Iterator[Measured]:
    """Milliseconds per step of one stream, without sampling, and those of its matrices."""
    for form, model in models.items():
        assert model.causal is not None
        ways = {"step": partial(seconds, partial(_run, model.causal, form))}
        if form not in QUANTISED:
            ways["the matrices in it"] = partial(_kernels, model.causal, form)
        found = {way: 1e3 * taken / STEPS for way, taken in turns(ways, rounds).items()}
        yield Measured(
            group=f"step {name}",
            case=f"{form}, one stream",
            unit="ms",
            value=found.pop("step"),
            peers=found,
        )


def _run(runtime: CausalRuntime, form: Precision) -> None:
    row = runtime.empty()
    with threads.for_form(form):
        for number in range(STEPS):
            row = runtime.feed(row, [[number + 1]])


def _kernels(runtime: CausalRuntime, form: Precision) -> float:
    """Seconds of `_run` spent in matrix multiplications."""
    with profile(activities=[ProfilerActivity.CPU]) as seen:
        _run(runtime, form)
    taken: list[float] = [
        each.self_cpu_time_total for each in seen.key_averages() if each.key in KERNELS
    ]
    return sum(taken) / 1e6

"""Which form `auto` takes, and what is kept of what was measured."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from engine.errors import EngineError
from engine.interfaces import CausalRuntime, LoadReport, ModelFiles
from engine.messages import Device, Distance, Event, FloatInputs, Message, ModelState, Precision
from engine.precision import QUANTISED, Form
from engine.runtime import distance as runtime_distance
from engine.runtime import load
from engine.runtime.graph.decoder import GraphRuntime
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait
from engine.server.fidelity import Fidelity
from engine.server.lifecycle import Lifecycle
from engine.store import artifacts, distances
from tests.conftest import Tiny
from tests.support.bundles import files

P = ParamSpec("P")
T = TypeVar("T")


class Here(Executor):
    """Does a job at once."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class Bench:
    """A lifecycle that loads at once."""

    def __init__(self, device: Device = "cpu") -> None:
        self.events: list[Event] = []
        self.loads: list[Precision] = []
        self.posted: list[Callable[[], None]] = []
        self.lifecycle = Lifecycle(
            load=self._load,
            loader=Here(),
            post=self.posted.append,
            broadcast=self.events.append,
            budget=10**9,
            idle_s=0,
        )
        self.device: Future[Device] = Future()
        self.device.set_result(device)
        self.fidelity = Fidelity(self.lifecycle, self.device)

    def _load(self, model: ModelFiles, precision: Form, report: LoadReport) -> LoadedModel:
        assert precision != "inside"
        self.loads.append(precision)
        return load(model, report, precision)

    def run(self, steps: Generator[Wait | None, None, T]) -> T:
        try:
            while True:
                waiting = next(steps)
                while self.posted:
                    self.posted.pop(0)()
                assert waiting is None or isinstance(waiting, Wait)
        except StopIteration as stop:
            result: T = stop.value
            return result


def distance(precision: Precision, **figures: float) -> Distance:
    reported = {"kl": 1e-3, "top1": 0.98, "perplexity": 20.0, "tokens": 1200, **figures}
    inputs: FloatInputs | None = "down" if precision in QUANTISED else None
    return Distance(precision=precision, float_inputs=inputs, **reported)  # type: ignore[arg-type]


@pytest.fixture
def model(tiny: Tiny, tmp_path: Path) -> ModelFiles:
    folder = tiny("llama")
    place = artifacts.place(tmp_path, folder)
    return dataclasses.replace(files(folder), model_type="llama", derived=place)


@pytest.mark.parametrize(
    ("measured", "taken"),
    [
        ([distance("int4"), distance("int8")], "int4"),
        ([distance("int4", kl=3e-3), distance("int8")], "int8"),
        ([distance("int4", top1=0.9), distance("int8", kl=1.0), distance("bf16")], "bf16"),
        ([distance(each, tokens=900) for each in distances.FASTEST], "exact"),
        ([distance("int4", speed=0.9), distance("int8", speed=1.2)], "int8"),
    ],
)
def test_the_fastest_that_is_near_enough_is_taken(
    model: ModelFiles, measured: list[Distance], taken: Precision
) -> None:
    distances.write(model, measured)
    bench = Bench()
    assert bench.run(bench.fidelity.fastest(model)) == taken
    assert bench.loads == []


@pytest.mark.parametrize(("device", "taken"), [("cpu", "int4"), ("cuda", "bf16"), ("mps", "bf16")])
def test_on_a_gpu_the_forms_that_would_not_run_there_are_passed_over(
    model: ModelFiles, device: Device, taken: Precision
) -> None:
    distances.write(model, [distance("int4"), distance("int8"), distance("bf16")])
    bench = Bench(device)
    assert bench.run(bench.fidelity.fastest(model)) == taken


def test_what_was_not_measured_is_measured_once(model: ModelFiles) -> None:
    bench = Bench()
    taken = bench.run(bench.fidelity.fastest(model))
    measured = distances.read(model.derived)
    assert {each.precision for each in measured} <= set(distances.FASTEST)
    assert measured[0].precision == "int4"
    assert measured[0].speed is not None
    assert distances.worth_it(measured[-1]) == (taken != "exact")
    stages = [each.stage for each in bench.events if isinstance(each, ModelState)]
    assert Message.of("stage.measuring", form="int4") in stages
    assert bench.lifecycle.busy(model.id) is False
    bench.loads.clear()
    assert bench.run(bench.fidelity.fastest(model)) == taken
    assert bench.loads == []


@pytest.mark.parametrize(
    ("kls", "taken"),
    [
        ([1e-3], "none"),
        ([3e-3, 1e-3], "down"),
        ([3e-3, 2.5e-3, 1e-3], "layers"),
        ([1.0] * 3, "layers"),
    ],
)
def test_a_form_runs_in_the_fastest_way_that_is_near_enough(
    model: ModelFiles, monkeypatch: pytest.MonkeyPatch, kls: list[float], taken: FloatInputs
) -> None:
    bench, given, ways = Bench(), iter(kls), []

    def measured(
        exact: CausalRuntime, form: CausalRuntime, precision: Precision, ids: list[int]
    ) -> Generator[float, None, Distance]:
        assert isinstance(form, GraphRuntime)
        ways.append(form.floats)
        yield 1.0
        return Distance(precision=precision, kl=next(given), top1=0.98, perplexity=1.0, tokens=1200)

    monkeypatch.setattr(runtime_distance, "measure", measured)
    with bench.lifecycle.use(model, "int4") as loading:
        while bench.posted:
            bench.posted.pop(0)()
        form = loading.result()
        before = form.causal, form.prefix_cache
        found = bench.run(bench.fidelity._measure(model, "int4"))
        assert isinstance(form.causal, GraphRuntime)
        assert (found.float_inputs, found.kl, form.causal.floats) == (taken, kls[-1], taken)
        assert before[0] is not form.causal
        assert before[1] is not form.prefix_cache
    assert ways == list(distances.FLOAT_INPUTS[: len(kls)])


def test_all_forms_are_measured_on_demand(model: ModelFiles) -> None:
    bench = Bench()
    found = bench.run(bench.fidelity.all(model))
    assert [each.precision for each in found] == ["int4", "int8", "bf16"]
    assert found[0].kl > found[2].kl > 0
    assert distances.read(model.derived) == found


def test_a_model_of_one_form_is_exact_and_has_nothing_to_measure(model: ModelFiles) -> None:
    bench = Bench()
    single = dataclasses.replace(model, model_type="opt")
    assert bench.run(bench.fidelity.fastest(single)) == "exact"
    with pytest.raises(EngineError) as caught:
        bench.run(bench.fidelity.all(single))
    assert caught.value.event.kind == "unable"


@pytest.mark.parametrize("broken", [b"", b"[{}]", b"\xff"])
def test_a_broken_file_counts_as_nothing_measured(model: ModelFiles, broken: bytes) -> None:
    assert model.derived is not None
    distances.write(model, [distance("int4")])
    (model.derived / distances.NAME).write_bytes(broken)
    assert distances.read(model.derived) == []


def test_the_texts_are_long_enough_for_the_models_that_come_with_it() -> None:
    assert len(distances.text(["en"])) > 5000
    assert len(distances.text(["ja"])) > 2000
    assert distances.text(["ja", "en"]) == distances.text(["ja"])

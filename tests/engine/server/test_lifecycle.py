"""Models in memory, with a loader that obeys the test and a clock that it winds."""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest

from engine.errors import EngineError
from engine.interfaces import LoadReport, ModelFiles
from engine.messages import (
    Device,
    Error,
    Event,
    Memory,
    Message,
    ModelInfo,
    ModelState,
    Precision,
    Words,
)
from engine.precision import Form
from engine.runtime.loaded import LoadedModel
from engine.server.lifecycle import Lifecycle
from tests.support.fake_models import ByteTokenizer
from tests.support.wording import says
from tui.strings import worded

P = ParamSpec("P")
T = TypeVar("T")


class Held(Executor):
    """Begins and ends jobs on the test's command."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()

        def run() -> None:
            if not future.set_running_or_notify_cancel():
                return
            try:
                future.set_result(fn(*args, **kwargs))
            except Exception as error:
                future.set_exception(error)

        self.waiting.append(run)
        return future


@dataclass
class Weighed(LoadedModel):
    """A model that is only a weight."""

    weight: int = 0
    kept: int = 0

    @property
    def bytes(self) -> int:
        return self.weight + self.kept

    def forget(self) -> None:
        self.kept = 0


class Bench:
    """A lifecycle with everything around it in the test's hands."""

    def __init__(self, budget: int = 100, idle_s: float = 60.0) -> None:
        self.now = 0.0
        self.events: list[Event] = []
        self.posted: list[Callable[[], None]] = []
        self.loader = Held()
        self.broken: dict[str, Exception] = {}
        self.measured: dict[str, int] = {}
        self.device: Device = "cpu"
        self.lifecycle = Lifecycle(
            load=self._load,
            loader=self.loader,
            post=self.posted.append,
            broadcast=self.events.append,
            budget=budget,
            idle_s=idle_s,
            clock=lambda: self.now,
        )

    def _load(self, files: ModelFiles, form: Form, report: LoadReport) -> LoadedModel:
        report("reading weights", 50.0)
        if error := self.broken.get(files.id):
            raise error
        weight = self.measured.get(files.id, files.memory)
        precision = "exact" if form == "inside" else form
        return Weighed(
            files=files,
            tokenizer=ByteTokenizer(),
            precision=precision,
            device=self.device,
            weight=weight,
        )

    def work(self) -> None:
        """Let the loader finish its work, and the scheduler's thread receive it."""
        while self.loader.waiting or self.posted:
            if self.loader.waiting:
                self.loader.waiting.pop(0)()
            while self.posted:
                self.posted.pop(0)()

    def keep(self, name: str, memory: int = 40) -> None:
        """Load a model and leave it idle, a second later than the one before."""
        with self.lifecycle.use(files(name, memory)):
            self.work()
        self.now += 1.0

    def keep_packed(self, name: str, precision: Precision = "exact") -> None:
        """Load a form of a model and leave it idle, a second later than the one before."""
        with self.lifecycle.use(packable(name), precision):
            self.work()
        self.now += 1.0

    def states(self) -> list[tuple[str, str, str]]:
        return [
            (event.model, event.state, event.cause)
            for event in self.events
            if isinstance(event, ModelState) and not event.stage
        ]


def files(name: str, memory: int = 40) -> ModelFiles:
    return ModelFiles(
        id=name,
        folder=Path(name),
        revision="",
        model_type="opt",
        heads=frozenset({"causal"}),
        roles=("continue",),
        languages=(),
        weight_bytes=memory,
        memory=memory,
    )


def info(name: str) -> ModelInfo:
    return ModelInfo(
        id=name,
        title=name,
        roles=[],
        heads=[],
        languages=[],
        bytes=1,
        licence="",
        source="bundled",
        state="on_disk",
        memory=40,
    )


def refusal(bench: Bench, name: str, memory: int) -> Error:
    with pytest.raises(EngineError) as raised, bench.lifecycle.use(files(name, memory)):
        pass
    return raised.value.event


def test_a_load_is_reported_from_its_begin_to_its_end() -> None:
    bench = Bench()
    with bench.lifecycle.use(files("a")) as loading:
        assert not loading.done()
        assert bench.lifecycle.current(info("a")).state == "loading"
        bench.work()
        assert loading.result().files.id == "a"
    assert bench.events == [
        ModelState(model="a", state="loading", percent=0.0),
        ModelState(model="a", state="loading", stage="reading weights", percent=50.0),
        ModelState(model="a", state="ready", in_memory=["exact"], memory=40),
        Memory(used=40, budget=100),
    ]
    assert bench.lifecycle.current(info("a")).state == "ready"


def test_one_copy_serves_all_who_want_it() -> None:
    bench = Bench()
    with bench.lifecycle.use(files("a")) as first, bench.lifecycle.use(files("a")) as second:
        bench.work()
        assert first.result() is second.result()
    assert bench.lifecycle.used == 40


def test_the_measured_size_replaces_the_estimate() -> None:
    bench = Bench()
    bench.measured["a"] = 33
    with bench.lifecycle.use(files("a", 40)):
        assert bench.lifecycle.used == 40
        bench.work()
    assert bench.lifecycle.used == 33
    assert bench.lifecycle.current(info("a")).memory == 33


def test_the_least_recently_used_makes_room() -> None:
    bench = Bench(budget=100)
    bench.keep("a")
    bench.keep("b")
    bench.keep("a")
    bench.keep("c")
    assert bench.states()[-3:] == [
        ("b", "on_disk", "evicted"),
        ("c", "loading", ""),
        ("c", "ready", ""),
    ]
    assert bench.lifecycle.loaded("a") is not None
    assert bench.lifecycle.used == 80


def test_only_as_many_are_evicted_as_it_takes() -> None:
    bench = Bench(budget=100)
    for name in "abc":
        bench.keep(name, 30)
    bench.keep("d", 65)
    evicted = [name for name, _, cause in bench.states() if cause == "evicted"]
    assert evicted == ["a", "b"]


def test_a_model_in_use_is_never_evicted() -> None:
    bench = Bench(budget=100)
    with bench.lifecycle.use(files("busy", 60)) as busy:
        bench.work()
        error = refusal(bench, "big", 50)
        assert busy.result() is bench.lifecycle.loaded("busy")
    assert error.kind == "too_big"
    assert "60 B of the 100 B" in worded(error.message)
    assert "busy" in worded(error.hint)
    bench.keep("big", 50)
    assert ("busy", "on_disk", "evicted") in bench.states()


def test_a_model_on_its_way_counts() -> None:
    bench = Bench(budget=100)
    with bench.lifecycle.use(files("a", 60)):
        assert refusal(bench, "b", 50).kind == "too_big"


def test_what_can_never_fit_is_refused_with_numbers_and_evicts_nothing() -> None:
    bench = Bench(budget=2_000_000_000)
    bench.keep("a", 40)
    error = refusal(bench, "giant", 7_300_000_000)
    assert error.kind == "too_big"
    assert "giant needs about 7.3 GB" in worded(error.message)
    assert "2.0 GB" in worded(error.message)
    assert worded(error.hint)
    assert bench.lifecycle.loaded("a") is not None
    assert bench.loader.waiting == []


def test_nothing_is_evicted_in_vain() -> None:
    bench = Bench(budget=100)
    bench.keep("idle", 30)
    with bench.lifecycle.use(files("busy", 60)):
        bench.work()
        refusal(bench, "big", 90)
    assert bench.lifecycle.loaded("idle") is not None


def test_idle_models_go_when_their_time_is_up_and_used_ones_stay() -> None:
    bench = Bench(idle_s=60.0)
    bench.keep("a")
    with bench.lifecycle.use(files("b")):
        bench.work()
        assert bench.lifecycle.expire() == 59.0
        bench.now = 60.0
        assert bench.lifecycle.expire() is None
    assert bench.states()[-1] == ("a", "on_disk", "idle")
    assert bench.events[-1] == Memory(used=40, budget=100)
    assert bench.lifecycle.expire() == 60.0
    assert bench.lifecycle.loaded("b") is not None


def test_zero_seconds_of_idleness_means_for_ever() -> None:
    bench = Bench(idle_s=0.0)
    bench.keep("a")
    bench.now = 1e9
    assert bench.lifecycle.expire() is None
    assert bench.lifecycle.loaded("a") is not None


def test_unload_of_an_idle_model() -> None:
    bench = Bench()
    bench.keep("a")
    bench.lifecycle.unload("a")
    bench.work()
    assert bench.states()[-1] == ("a", "on_disk", "asked")
    assert bench.lifecycle.used == 0
    assert bench.lifecycle.current(info("a")).state == "on_disk"


def test_nothing_holds_on_to_a_model_that_has_left() -> None:
    bench = Bench()
    with bench.lifecycle.use(files("a")) as loading:
        bench.work()
        left = weakref.ref(loading.result())
    del loading
    bench.lifecycle.unload("a")
    assert left() is None


def test_unload_of_a_model_in_use_waits_for_the_last_user() -> None:
    bench = Bench()
    with ExitStack() as outer:
        outer.enter_context(bench.lifecycle.use(files("a")))
        with bench.lifecycle.use(files("a")):
            bench.work()
            bench.lifecycle.unload("a")
        bench.work()
        assert bench.lifecycle.loaded("a") is not None
    bench.work()
    assert bench.lifecycle.loaded("a") is None


def test_whoever_wants_a_leaving_model_keeps_it() -> None:
    bench = Bench()
    bench.keep("a")
    bench.lifecycle.unload("a")
    with bench.lifecycle.use(files("a")):
        bench.work()
    bench.work()
    assert bench.lifecycle.loaded("a") is not None


def test_a_model_unloaded_while_it_loads_leaves_as_soon_as_it_is_there() -> None:
    bench = Bench()
    with bench.lifecycle.use(files("a")):
        bench.lifecycle.unload("a")
        bench.work()
        assert bench.lifecycle.loaded("a") is not None
    bench.work()
    assert bench.lifecycle.loaded("a") is None


def test_a_load_that_nobody_waits_for_is_not_begun() -> None:
    bench = Bench()
    with bench.lifecycle.use(files("a")):
        pass
    assert bench.lifecycle.used == 0
    bench.work()
    assert bench.states() == [("a", "loading", ""), ("a", "on_disk", "asked")]


def test_an_abandoned_load_and_the_next_one_of_the_same_model_do_not_mix() -> None:
    bench = Bench()
    with bench.lifecycle.use(files("a")):
        pass
    with bench.lifecycle.use(files("a")) as loading:
        bench.work()
        assert loading.result().files.id == "a"


def test_a_load_that_has_begun_is_kept_though_nobody_waits() -> None:
    bench = Bench()
    with closing(_user(bench)) as user:
        next(user)
        bench.loader.waiting.pop(0)()  # done on the loader's thread, not yet received
    bench.work()
    assert bench.lifecycle.loaded("a") is not None


def _user(bench: Bench) -> Generator[Future[LoadedModel], None, None]:
    with bench.lifecycle.use(files("a")) as loading:
        yield loading


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            EngineError(Error(kind="broken_model", message="It lacks a tensor.")),
            "It lacks a tensor.",
        ),
        (
            ValueError("index out of range in self"),
            Message("reason.internal"),
        ),
    ],
)
def test_a_failed_load_is_a_state_with_a_reason_and_can_be_tried_again(
    error: Exception, reason: Words
) -> None:
    bench = Bench()
    bench.broken["a"] = error
    with bench.lifecycle.use(files("a")) as loading:
        bench.work()
        assert loading.exception() is error
    assert ModelState(model="a", state="failed", reason=reason) in bench.events
    assert bench.lifecycle.used == 0
    shown = bench.lifecycle.current(info("a"))
    assert (shown.state, shown.reason) == ("failed", reason)

    bench.broken.clear()
    with bench.lifecycle.use(files("a")) as loading:
        bench.work()
        assert loading.result()
    assert bench.lifecycle.current(info("a")).state == "ready"


def test_new_files_are_a_new_chance() -> None:
    bench = Bench()
    bench.broken["a"] = ValueError("torn")
    bench.keep("a")
    bench.lifecycle.forget_failure("a")
    assert bench.lifecycle.current(info("a")) == info("a")


# ---------------------------------------------------------------------------------- forms


def packable(name: str, memory: int = 40) -> ModelFiles:
    return dataclasses.replace(files(name, memory), model_type="gpt2")


def test_two_forms_of_one_model_are_two_in_memory() -> None:
    bench = Bench(budget=1000)
    bench.measured = {"a": 30}
    with (
        bench.lifecycle.use(packable("a")) as exact,
        bench.lifecycle.use(packable("a"), "int4") as small,
    ):
        bench.work()
        assert (exact.result().precision, small.result().precision) == ("exact", "int4")
        assert bench.lifecycle.used == 60
        current = bench.lifecycle.current(info("a"))
        assert (current.state, current.memory) == ("ready", 60)
        assert current.in_memory == ["exact", "int4"]
    bench.lifecycle.unload("a")
    assert not bench.lifecycle.used
    # With one form gone the other is still there; only then is the model out of memory.
    assert reported_forms(bench)[-2:] == [
        ("ready", "int4", ["int4"], 30),
        ("on_disk", "int4", [], 0),
    ]


def reported_forms(bench: Bench) -> list[tuple[str, str, list[Precision], int]]:
    return [
        (event.state, event.precision, event.in_memory, event.memory)
        for event in bench.events
        if isinstance(event, ModelState)
    ]


def test_a_model_to_look_into_is_another_in_memory_and_no_form_to_run() -> None:
    bench = Bench()
    bench.keep("a")
    with bench.lifecycle.use(files("a"), "inside") as looking:
        bench.work()
        with bench.lifecycle.use(files("a")) as running:
            assert looking.result() is not running.result()
    current = bench.lifecycle.current(info("a"))
    assert (current.state, current.in_memory, current.memory) == ("ready", ["exact"], 80)
    bench.lifecycle.unload("a")
    assert bench.lifecycle.used == 0


def test_a_form_that_loads_is_reported_beside_the_one_in_memory() -> None:
    bench = Bench(budget=1000)
    with bench.lifecycle.use(packable("a")):
        bench.work()
        with bench.lifecycle.use(packable("a"), "int4"):
            current = bench.lifecycle.current(info("a"))
            assert (current.state, current.in_memory) == ("ready", ["exact"])
            bench.work()
    assert reported_forms(bench)[-3:] == [
        ("loading", "int4", ["exact"], 40),
        ("loading", "int4", ["exact"], 40),
        ("ready", "int4", ["exact", "int4"], 80),
    ]


def test_a_form_that_fails_leaves_the_other_in_memory() -> None:
    bench = Bench(budget=1000)
    bench.keep_packed("a")
    bench.broken["a"] = ValueError("cannot be packed")
    with bench.lifecycle.use(packable("a"), "int4") as loading:
        bench.work()
        assert loading.exception()
    assert reported_forms(bench)[-2:] == [
        ("failed", "int4", [], 0),
        ("ready", "exact", ["exact"], 40),
    ]
    assert bench.lifecycle.current(info("a")).state == "ready"


def test_room_is_made_by_the_form_that_was_not_used_for_longest() -> None:
    bench = Bench(budget=100)
    bench.keep_packed("a", "int4")
    bench.keep_packed("a", "exact")
    bench.keep("b", 40)
    assert bench.lifecycle.current(info("a")).in_memory == ["exact"]
    assert ("ready", "exact", ["exact"], 40) in reported_forms(bench)


def test_a_model_is_busy_while_one_of_its_forms_is() -> None:
    bench = Bench(budget=1000)
    bench.keep_packed("a")
    assert not bench.lifecycle.busy("a")
    with bench.lifecycle.use(packable("a"), "bf16"):
        bench.work()
        assert bench.lifecycle.busy("a")
        bench.lifecycle.unload("a")
        assert bench.lifecycle.current(info("a")).in_memory == ["bf16"]
    bench.work()
    assert bench.lifecycle.loaded("a") is None


def test_a_smaller_form_is_expected_to_need_less() -> None:
    bench = Bench(budget=45)
    assert refusal(bench, "opt", 50).kind == "too_big"
    with bench.lifecycle.use(packable("a", 50), "int8") as loading:
        bench.work()
        assert loading.result().precision == "int8"


def test_a_form_that_a_kind_of_model_cannot_have_is_refused() -> None:
    bench = Bench()
    with pytest.raises(EngineError) as raised, bench.lifecycle.use(files("a"), "int4"):
        pass
    assert raised.value.event.kind == "unable"
    assert "int4" in worded(raised.value.event.message)
    assert bench.loader.waiting == []


# ------------------------------------------------------------------------- kept of texts


def reads(bench: Bench, name: str, weight: int, kept: int) -> Weighed:
    """Bring a model into memory that then keeps something of a text."""
    bench.keep(name, weight)
    model = bench.lifecycle.loaded(name)
    assert isinstance(model, Weighed)
    model.kept = kept
    return model


def test_what_models_keep_of_texts_counts_and_goes_before_a_model_does() -> None:
    bench = Bench(budget=100)
    model = reads(bench, "a", 40, kept=30)
    assert bench.lifecycle.used == 70
    bench.keep("b", 50)
    assert model.kept == 0
    assert bench.lifecycle.used == 90
    assert not any(cause == "evicted" for _, _, cause in bench.states())


def test_the_least_recently_used_gives_back_first_and_no_more_than_it_takes() -> None:
    bench = Bench(budget=100)
    old = reads(bench, "old", 20, kept=15)
    new = reads(bench, "new", 20, kept=15)
    bench.keep("b", 40)
    assert (old.kept, new.kept) == (0, 15)


def test_texts_read_beyond_the_budget_are_given_back_when_the_task_ends() -> None:
    bench = Bench(budget=100)
    model = reads(bench, "a", 40, kept=0)
    with bench.lifecycle.use(files("a")):
        model.kept = 70
    assert model.kept == 0


def test_a_gpu_that_a_task_has_filled_is_emptied_of_what_can_be_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_back: list[Device] = []
    monkeypatch.setattr("engine.server.lifecycle.give_back", given_back.append)
    bench = Bench()
    bench.device = "cuda"
    with (
        pytest.raises(EngineError, check=says("The free memory of cuda is too little for a")),
        bench.lifecycle.use(files("a")) as loading,
    ):
        bench.work()
        model = loading.result()
        assert isinstance(model, Weighed)
        model.kept = 5
        raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    assert not given_back, "the task still holds what it computed"
    bench.work()
    assert given_back == ["cuda"]
    assert bench.lifecycle.loaded("a") is model
    assert isinstance(model, Weighed)
    assert model.kept == 0
    bench.lifecycle.unload("a")
    assert given_back == ["cuda", "cuda"]


def test_memory_that_a_task_on_the_cpu_lacks_is_the_machines() -> None:
    bench = Bench()
    with pytest.raises(MemoryError), bench.lifecycle.use(files("a")):
        bench.work()
        raise MemoryError


def test_each_form_is_reported_where_it_is() -> None:
    bench = Bench()
    bench.device = "cuda"
    bench.keep_packed("a")
    bench.device = "cpu"
    bench.keep_packed("a", "int8")
    current = bench.lifecycle.current(info("a"))
    assert current.in_memory == ["exact", "int8"]
    assert (current.device, current.on_device) == ("cuda", ["exact"])
    *_, told = (event for event in bench.events if isinstance(event, ModelState))
    assert (told.device, told.on_device) == ("cuda", ["exact"])

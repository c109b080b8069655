"""Models in memory: loading, sharing, counting, making room, and letting go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Literal, TypeVar

import msgspec

from engine.errors import INTERNAL, EngineError, explain, failure
from engine.interfaces import LoadReport, ModelFiles
from engine.machine.devices import full
from engine.machine.memory import give_back
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
from engine.precision import Form, estimated_bytes
from engine.runtime.loaded import LoadedModel

log = logging.getLogger(__name__)

_INTERVAL_S = 0.05
"""Interval between two reports of one stage of a load."""

Cause = Literal["asked", "idle", "evicted"]
_Key = tuple[str, Form]
T = TypeVar("T")


@dataclass(eq=False)
class _Resident:
    """A form of a model that is loaded or being loaded."""

    files: ModelFiles
    form: Form
    expected: int
    last_used: float
    ready: Future[LoadedModel] = field(default_factory=Future)
    loaded: bool = False
    users: int = 0
    leaving: bool = False

    @property
    def key(self) -> _Key:
        """What a request finds it by: the model and its form."""
        return self.files.id, self.form

    @property
    def precision(self) -> Precision:
        """The precision of its weights."""
        return "exact" if self.form == "inside" else self.form

    @property
    def bytes(self) -> int:
        """Bytes in memory, caches included; before it is loaded, the estimate."""
        return self.ready.result().bytes if self.loaded else self.expected

    @property
    def busy(self) -> bool:
        """Whether it is being loaded, or used by a task."""
        return self.users > 0 or not self.loaded


class Lifecycle:
    """Keeps models in memory within a budget of bytes.

    All methods must be called on the scheduler's thread. Loads run on `loader`, an executor with a
    single thread; their results come back through `post`. `broadcast` is called with events for
    all requests, also on the loader's thread.
    """

    def __init__(
        self,
        *,
        load: Callable[[ModelFiles, Form, LoadReport], LoadedModel],
        loader: Executor,
        post: Callable[[Callable[[], None]], None],
        broadcast: Callable[[Event], None],
        budget: int,
        idle_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._load = load
        self._loader = loader
        self._post = post
        self._broadcast = broadcast
        self._budget = budget
        self._idle_s = idle_s
        self._clock = clock
        self._residents: dict[_Key, _Resident] = {}
        self._jobs: dict[_Key, Future[LoadedModel]] = {}
        self._failures: dict[str, Words] = {}

    @property
    def used(self) -> int:
        """Bytes that models take, with estimates for those being loaded."""
        return sum(resident.bytes for resident in self._residents.values())

    @contextmanager
    def use(self, files: ModelFiles, form: Form = "exact") -> Iterator[Future[LoadedModel]]:
        """Keep a form of a model in memory for the duration of a task, loading it if necessary.

        Raises:
            EngineError: ``unable``, if it cannot have that form; ``too_big``, if no room can be
                made for it, or its GPU has none left for the task. The future raises what loading
                raised.
        """
        resident = self._residents.get((files.id, form)) or self._begin(files, form)
        resident.users += 1
        resident.leaving = False
        try:
            yield resident.ready
        except Exception as error:
            if refused := full(error, files.id, _device([resident])):
                self._relieve(resident)
                raise refused from error
            raise
        finally:
            resident.users -= 1
            resident.last_used = self._clock()
            self._forget(self.used - self._budget)
            if not resident.users:
                self._unused(resident)

    def prepare(self, work: Callable[[], T]) -> Future[T]:
        """Do work that takes too long for the scheduler's thread, between two loads."""
        return self._loader.submit(work)

    def unload(self, model: str) -> None:
        """Unload all forms of a model: now, or when the last task that uses one ends."""
        for resident in self._forms(model):
            if resident.busy:
                resident.leaving = True
            else:
                self._drop(resident, "asked")

    def busy(self, model: str) -> bool:
        """Whether any form of a model is being loaded, or used by a task."""
        return any(resident.busy for resident in self._forms(model))

    def loaded(self, model: str) -> LoadedModel | None:
        """The model in any form, if it is in memory."""
        return next((each.ready.result() for each in self._forms(model) if each.loaded), None)

    def current(self, info: ModelInfo) -> ModelInfo:
        """The store's information about a model, with its state in memory added."""
        residents = self._forms(info.id)
        if residents:
            ready = any(each.loaded for each in residents)
            return msgspec.structs.replace(
                info,
                state="ready" if ready else "loading",
                in_memory=_runnable(residents),
                device=_device(residents),
                on_device=_runnable(_on_gpu(residents)),
                memory=sum(each.bytes for each in residents),
            )
        reason = self._failures.get(info.id)
        if reason is not None and info.state == "on_disk":
            return msgspec.structs.replace(info, state="failed", reason=reason)
        return info

    def forget_failure(self, model: str) -> None:
        """Discard the reason why a model could not be loaded, because its files have changed."""
        self._failures.pop(model, None)

    def report_stage(
        self,
        files: ModelFiles,
        precision: Precision,
        stage: Words = "",
        percent: float | None = None,
    ) -> None:
        """Broadcast what is being done with a form in use; without a stage, that it is ready."""
        resident = self._residents.get((files.id, precision))
        if resident is not None:
            self._broadcast_state(resident, stage=stage, percent=percent)

    def expire(self) -> float | None:
        """Unload what has been idle for too long; return the seconds until the next is due."""
        if not self._idle_s:
            return None
        now = self._clock()
        idle = self._idle()
        for resident in idle:
            if resident.last_used + self._idle_s <= now:
                self._drop(resident, "idle")
        dues = [resident.last_used + self._idle_s - now for resident in self._idle()]
        return min(dues, default=None)

    def _idle(self) -> list[_Resident]:
        return [each for each in self._residents.values() if each.loaded and not each.users]

    def _forms(self, model: str) -> list[_Resident]:
        # Copied first, because the loader's thread calls this while the dict changes.
        return [each for each in list(self._residents.values()) if each.files.id == model]

    def _begin(self, files: ModelFiles, form: Form) -> _Resident:
        needs = estimated_bytes(files, form)
        self._make_room(files, needs)
        self._failures.pop(files.id, None)
        resident = _Resident(files, form, needs, self._clock())
        self._residents[resident.key] = resident
        self._broadcast_state(resident, percent=0.0)
        job = self._loader.submit(self._load, files, form, self._reporter(resident))
        self._jobs[resident.key] = job
        job.add_done_callback(lambda job: self._post(lambda: self._arrived(resident, job)))
        return resident

    def _reporter(self, resident: _Resident) -> LoadReport:
        last_stage: Words = ""
        last_at = 0.0

        def report(stage: Words, percent: float) -> None:
            nonlocal last_stage, last_at
            now = self._clock()
            if stage != last_stage or now - last_at >= _INTERVAL_S:
                last_stage, last_at = stage, now
                self._broadcast_state(resident, stage=stage, percent=percent)

        return report

    def _arrived(self, resident: _Resident, job: Future[LoadedModel]) -> None:
        if self._residents.get(resident.key) is not resident:
            return  # it was cancelled before it began
        del self._jobs[resident.key]
        error = job.exception()
        if error is not None:
            self._failed(resident, error)
            return
        model = job.result()
        resident.loaded = True
        resident.last_used = self._clock()
        resident.ready.set_result(model)
        self._broadcast_state(resident)
        self._broadcast_memory()
        if not resident.users:
            self._unused(resident)

    def _failed(self, resident: _Resident, error: BaseException) -> None:
        model = resident.files.id
        why = explain(error).message
        if not isinstance(error, EngineError):
            log.error("loading %s failed", model, exc_info=error)
            if explain(error) is INTERNAL:
                why = Message.of("reason.internal")
        del self._residents[resident.key]
        self._failures[model] = why
        resident.ready.set_exception(error)
        self._broadcast(
            ModelState(model=model, state="failed", precision=resident.precision, reason=why)
        )
        if others := self._forms(model):
            self._broadcast_state(others[0])
        self._broadcast_memory()

    def _unused(self, resident: _Resident) -> None:
        if resident.loaded:
            if resident.leaving:
                # Later, because the task that has just ended may still hold a reference.
                self._post(lambda: self._leave(resident))
            return
        job = self._jobs.get(resident.key)
        if job is not None and job.cancel():  # it was waiting behind another model's load
            del self._jobs[resident.key]
            self._drop(resident, "asked")

    def _leave(self, resident: _Resident) -> None:
        current = self._residents.get(resident.key) is resident
        if current and resident.leaving and not resident.users:
            self._drop(resident, "asked")

    def _make_room(self, files: ModelFiles, needs: int) -> None:
        self._forget(self.used + needs - self._budget)
        idle = sorted(self._idle(), key=lambda resident: resident.last_used)
        excess = self.used + needs - self._budget
        if excess > sum(resident.bytes for resident in idle):
            raise EngineError(self._too_big(files, needs))
        for resident in idle:
            if excess <= 0:
                break
            excess -= resident.bytes
            self._drop(resident, "evicted")

    def _forget(self, excess: int) -> None:
        """Free `excess` bytes of the models' caches, the least recently used first."""
        loaded = [each for each in self._residents.values() if each.loaded]
        for resident in sorted(loaded, key=lambda each: each.last_used):
            if excess <= 0:
                break
            before = resident.bytes
            resident.ready.result().forget()
            excess -= before - resident.bytes

    def _relieve(self, resident: _Resident) -> None:
        """Empty a model's caches, and its GPU's once the task that filled it has ended."""
        resident.ready.result().forget()
        device = _device([resident])
        self._post(lambda: give_back(device))

    def _too_big(self, files: ModelFiles, bytes_needed: int) -> Error:
        if bytes_needed > self._budget:
            return failure(
                "too_big", "over_budget", model=files.id, needed=bytes_needed, budget=self._budget
            )
        busy = [each for each in self._residents.values() if each.busy]
        names = list(dict.fromkeys(each.files.id for each in busy))
        held = sum(each.bytes for each in busy)
        return failure(
            "too_big",
            "budget_in_use",
            model=files.id,
            needed=bytes_needed,
            budget=self._budget,
            others=names,
            held=held,
        )

    def _drop(self, resident: _Resident, cause: Cause) -> None:
        del self._residents[resident.key]
        device = _device([resident])
        resident.ready = Future()  # our last reference to the weights
        give_back(device)
        model, precision = resident.files.id, resident.precision
        if others := self._forms(model):
            self._broadcast_state(others[0])
        else:
            self._broadcast(
                ModelState(model=model, state="on_disk", precision=precision, cause=cause)
            )
        self._broadcast_memory()

    def _broadcast_state(
        self, resident: _Resident, stage: Words = "", percent: float | None = None
    ) -> None:
        """Broadcast the state of a form, and which forms of its model are in memory."""
        loaded = [each for each in self._forms(resident.files.id) if each.loaded]
        self._broadcast(
            ModelState(
                model=resident.files.id,
                state="ready" if resident.loaded and not stage else "loading",
                stage=stage,
                percent=percent,
                precision=resident.precision,
                in_memory=_runnable(loaded),
                device=_device(loaded),
                on_device=_runnable(_on_gpu(loaded)),
                memory=sum(each.bytes for each in loaded),
            )
        )

    def _broadcast_memory(self) -> None:
        self._broadcast(Memory(used=self.used, budget=self._budget))


def _runnable(residents: Sequence[_Resident]) -> list[Precision]:
    """The precisions in which a model is in memory to run it."""
    return [each.precision for each in residents if each.loaded and each.form != "inside"]


def _device(residents: Sequence[_Resident]) -> Device:
    """The GPU that any of them is on, else the CPU."""
    return next((each.ready.result().device for each in _on_gpu(residents)), "cpu")


def _on_gpu(residents: Sequence[_Resident]) -> list[_Resident]:
    return [each for each in residents if each.loaded and each.ready.result().device != "cpu"]

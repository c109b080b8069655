"""The engine's side of the connection: reads requests, schedules them, writes events."""

from __future__ import annotations

import importlib
import logging
import os
import platform
import threading
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, NoReturn

from engine import runtime, wire
from engine.errors import explain, failure, refusal
from engine.interfaces import LoadReport, ModelFiles
from engine.machine import devices, gpus, threads
from engine.machine.loader import Loader
from engine.machine.memory import default_budget, give_back
from engine.machine.threads import IDLE_S, Threads, default_threads
from engine.messages import (
    PROTOCOL,
    Cancel,
    Configure,
    Device,
    DeviceChoice,
    Frame,
    Message,
    Ping,
    Pong,
    Ready,
    Request,
    Shutdown,
)
from engine.precision import Form
from engine.pull import job
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Scheduler
from engine.server.lifecycle import Lifecycle
from engine.server.pipes import EventWriter
from engine.server.processes import Children
from engine.server.service import Service
from engine.store.store import Store

log = logging.getLogger(__name__)


class Worker:
    """One connection with one front end.

    It has three threads: the reader, which ends the process when the front end is gone; the
    scheduler (the main thread), which owns all state; and the loader, which loads models.
    """

    def __init__(
        self, requests: BinaryIO, events: int, environ: Mapping[str, str], store: Path
    ) -> None:
        """`store` is the folder of pulled models where the front end names none."""
        self._requests = requests
        self._root = store
        self._environ = environ
        self._writer = EventWriter(events)
        self._scheduler = Scheduler(self._writer.send, self._housekeeping)
        self._lifecycle: Lifecycle | None = None
        self._children: Children | None = None
        self._service: Service | None = None
        self._prepared: Future[Device] | None = None
        self._more: Future[None] | None = None
        self._threads: Threads | None = None

    def serve(self) -> NoReturn:
        """Serve requests; the process ends with its input."""
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        self._scheduler.run()

    # ------------------------------------------------------------------ the reader's thread

    def _read(self) -> NoReturn:
        try:
            while (frame := wire.read_frame(self._requests)) is not None:
                self._receive(frame)
        except wire.BrokenStream as error:
            # There is no way to find the beginning of the next frame.
            log.error("broken input: %s", error)
            self._writer.send(0, failure("bad_request", "no_frames", error=error))
        except Exception:  # without its reader the process could not be stopped
            log.exception("the reader failed")
        self._end()

    def _receive(self, frame: Frame) -> None:
        try:
            request = wire.request(frame.body)
        except wire.BrokenStream as error:
            self._writer.send(frame.id, failure("bad_request", "no_request", error=error))
            return
        if frame.id < 1:
            self._writer.send(frame.id, failure("bad_request", "no_id"))
            return
        self._scheduler.post(lambda: self._accept(frame.id, request))

    def _end(self) -> NoReturn:
        """End the process now, without waiting for anything."""
        if self._children is not None:
            self._children.kill_all()
        os._exit(0)

    # --------------------------------------------------------------- the scheduler's thread

    def _accept(self, request_id: int, request: Request) -> None:
        try:
            self._begin(request_id, request)
        except Exception as error:
            log.exception("request %d could not be begun", request_id)
            self._writer.send(request_id, explain(error))

    def _begin(self, request_id: int, request: Request) -> None:
        if isinstance(request, Shutdown):
            self._end()
        if isinstance(request, Ping):
            self._writer.send(request_id, Pong())
        elif isinstance(request, Configure):
            self._configure(request_id, request)
        elif self._service is None:
            self._writer.send(request_id, failure("bad_request", "not_configured"))
        elif isinstance(request, Cancel):
            self._scheduler.cancel(request.request)
        else:
            self._scheduler.start(request_id, self._service.task(request))

    def _configure(self, request_id: int, configure: Configure) -> None:
        if configure.protocol != PROTOCOL:
            refused = failure(
                "bad_request", "other_protocol", engine=PROTOCOL, front=configure.protocol
            )
            self._writer.send(request_id, refused)
            return
        if self._service is not None:
            self._writer.send(request_id, failure("bad_request", "configured"))
            return
        budget = configure.memory_budget or default_budget()
        most = configure.threads or default_threads()
        store = Store(
            _written(configure.store) if configure.store else self._root,
            [_written(folder) for folder in configure.folders],
            served=configure.servers,
        )
        preparing = ThreadPoolExecutor(1, "prepare")
        prepared = self._prepared = preparing.submit(_prepare, most, configure.device)
        self._lifecycle = Lifecycle(
            load=lambda files, form, report: _load(files, form, report, prepared),
            loader=Loader(),
            post=self._scheduler.post,
            broadcast=self._writer.broadcast,
            budget=budget,
            idle_s=configure.idle_s,
        )
        self._children = Children(self._writer.broadcast, lambda model: store.info(model).state)
        self._service = Service(
            store=store,
            lifecycle=self._lifecycle,
            device=prepared,
            children=self._children,
            disk=ThreadPoolExecutor(1, "disk"),
            job=lambda pull: job.command(store, pull, self._environ),
            broadcast=self._writer.broadcast,
        )
        self._threads = Threads(
            most, fixed=configure.threads is not None, changed=self._writer.broadcast
        )
        ready = Ready(
            protocol=PROTOCOL,
            pid=os.getpid(),
            memory_budget=budget,
            threads=most,
            host=platform.node(),
            gpus=gpus.names(),
        )
        self._writer.send(request_id, ready)

    def _housekeeping(self) -> float | None:
        if self._lifecycle is None:
            return None
        assert self._threads is not None and self._prepared is not None
        if self._prepared.done() and self._prepared.exception() is None:
            self._threads.look()
            if self._more is None and self._scheduler.idle:
                # Where models are loaded, as two threads cannot import transformers at once.
                self._more = self._lifecycle.prepare(prepare_more)
        expiry = self._lifecycle.expire()
        return IDLE_S if expiry is None else min(expiry, IDLE_S)


def _written(path: str) -> Path:
    """A path as a person on another machine writes it, with ~ for the home here."""
    try:
        return Path(path).expanduser()
    except RuntimeError:  # nobody has that name
        return Path(path)


def _prepare(most: int, choice: DeviceChoice) -> Device:
    """Import what the first answer of a packed model needs, which takes seconds.

    Raises:
        EngineError: ``unable``, if the device does not exist or PyTorch cannot be imported.
    """
    try:
        threads.use(most)
        for module in ("engine.runtime.graph.loading", "engine.decoding.sampling"):
            importlib.import_module(module)
    except (ImportError, OSError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise refusal("unable", "torch_unusable", error=reason) from error
    return devices.resolve(choice)


def prepare_more() -> None:
    """Import in advance what most models need, which takes longer again.

    Not while a task runs, which would slow down; a quantised form that was stored does without.
    """
    for module in ("transformers.models.auto", "transformers.modeling_utils"):
        importlib.import_module(module)


def _load(
    files: ModelFiles, form: Form, report: LoadReport, prepared: Future[Device]
) -> LoadedModel:
    report(Message.of("stage.starting_torch"), 0.0)
    device = prepared.result()
    try:
        if form == "inside":
            return runtime.load_to_look(files, report)
        return runtime.load(files, report, form, device)
    finally:
        give_back(device)  # memory that was needed only to read and pack it

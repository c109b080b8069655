"""Runs pulls as the worker does: in a child process, with an environment of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine import wire
from engine.messages import Done, Error, Event, ModelState, Pull
from engine.pull.job import command
from engine.store.store import Store


@dataclass
class Outcome:
    """What a pull reported."""

    events: list[Event]
    log: str

    @property
    def states(self) -> list[ModelState]:
        return [event for event in self.events if isinstance(event, ModelState)]

    @property
    def error(self) -> Error:
        """The error that ended it."""
        last = self.events[-1]
        assert isinstance(last, Error), (last, self.log)
        return last

    def succeeded(self) -> Outcome:
        """Itself, if it ended well."""
        assert self.events, self.log
        assert isinstance(self.events[-1], Done), (self.events[-1], self.log)
        assert self.states[-1].state == "on_disk"
        return self


def environment(home: Path, **more: str) -> dict[str, str]:
    """A user's environment that reaches nothing but this machine."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "HF_HOME": str(home / "hf"),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "NO_PROXY": "127.0.0.1",
        **more,
    }


def start(store: Store, request: Pull, environ: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a pull; its events wait on its standard output."""
    job = command(store, request, environ)
    child = subprocess.Popen(
        job.argv,
        env=job.env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdin
    child.stdin.write(job.stdin)
    child.stdin.flush()
    return child


def next_state(child: subprocess.Popen[bytes]) -> ModelState:
    """The next report of a running pull."""
    assert child.stdout
    frame = wire.read_frame(child.stdout)
    assert frame
    event = wire.event(frame.body)
    assert isinstance(event, ModelState)
    return event


def finish(child: subprocess.Popen[bytes]) -> Outcome:
    """Wait for a pull and collect what it reported."""
    assert child.stdin
    assert child.stdout
    assert child.stderr
    events = []
    while frame := wire.read_frame(child.stdout):
        events.append(wire.event(frame.body))
    log = child.stderr.read().decode("utf-8", "replace")
    child.wait()
    child.stdin.close()
    child.stdout.close()
    child.stderr.close()
    return Outcome(events, log)


def run(store: Store, request: Pull, environ: Mapping[str, str]) -> Outcome:
    """Pull and wait."""
    return finish(start(store, request, environ))

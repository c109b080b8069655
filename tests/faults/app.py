"""The app itself breaks, or is asked to end."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import psutil

from tests.faults.harness import (
    PROMPT,
    Outcome,
    app,
    begin_stream,
    fault,
    leave,
    lost,
    saved,
    shown,
    type_text,
    watch,
    whole_answer,
)

DRAFT = "half a thought"
_WORKER_S = 2.0
"""How long the worker may outlive the app."""


def _ended_by(place: Path, rng: random.Random, number: signal.Signals) -> Outcome:
    """End the app while a model writes and a person types; start it again."""
    whole_answer()
    with app(place) as terminal:
        begin_stream(terminal)
        watch(terminal, rng.uniform(0, 2))
        type_text(terminal, DRAFT)
        workers, on_screen = terminal.workers(), shown(terminal)
        terminal.child.kill(number)
        terminal.ended()
        ended = time.monotonic()
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert not alive, "the worker outlived the app"
        late = time.monotonic() - ended > _WORKER_S
    began = time.monotonic()
    with app(place) as terminal:
        terminal.wait(PROMPT, "interrupted", DRAFT)
        recovered = time.monotonic() - began
        leave(terminal)
    session = saved(place)
    missing = lost(on_screen, session)
    missing += 0 if session.drafts["continue"].text == DRAFT else len(DRAFT)
    seen = "started again: the text so far and the draft are there"
    seen += f"; the worker outlived the app by {_WORKER_S} s" if late else ""
    return Outcome(seen, missing, recovered)


@fault("the app is killed (SIGKILL) while a model writes", short=2, long=100)
def killed(place: Path, rng: random.Random) -> Outcome:
    return _ended_by(place, rng, signal.SIGKILL)


@fault("the connection drops (SIGHUP) while a model writes", short=1, long=20)
def hung_up(place: Path, rng: random.Random) -> Outcome:
    return _ended_by(place, rng, signal.SIGHUP)


@fault("the app is asked to end (SIGTERM) while a model writes", short=1, long=20)
def terminated(place: Path, rng: random.Random) -> Outcome:
    return _ended_by(place, rng, signal.SIGTERM)


@fault("two apps on one session file, both writing", short=1, long=10)
def two_apps(place: Path, rng: random.Random) -> Outcome:
    whole = whole_answer()
    with app(place) as one:
        begin_stream(one)
        with app(place) as other:
            begin_stream(other)
            for terminal in (one, other):
                terminal.wait("120 tokens · ", "perplexity")
            leave(other)
        latest = saved(place)
        leave(one)
    again = saved(place)
    missing = sum(lost(len("".join(whole.split())), each) for each in (latest, again))
    return Outcome("each has a session of its own, whole", missing)

"""The app itself breaks, or is asked to end."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from pathlib import Path

import psutil

from tests.e2e.test_gone import remaining, started
from tests.faults.harness import Outcome, fault
from tests.faults.running import (
    COLUMNS,
    DRAFT,
    PROMPT,
    ROWS,
    SETTINGS,
    Running,
    app,
    begin_stream,
    history_file,
    leave,
    new_session,
    not_kept,
    noted,
    running,
    saved,
    type_text,
    wait_for_part,
    watch,
    while_writing,
    whole_answer,
)
from tests.support.sample_cards import finished
from tests.support.terminal import PATIENCE_S, PROGRAM, environment
from tui.cards import ContinueCard
from tui.history import History

_WORKER_S = 2.0
"""How long the worker may outlive the app."""


@fault("nothing breaks: from the start to the first letters, for comparison", short=0, long=10)
def sound(place: Path, rng: random.Random) -> Outcome:
    whole_answer()
    began = time.monotonic()
    with app(place) as terminal:
        begin_stream(terminal)
        wait_for_part(terminal, 1)
        seconds = time.monotonic() - began
        leave(terminal)
    return Outcome("a model writes", 0, seconds)


def _ended_by(here: Running, number: signal.Signals) -> str:
    """End the app and start it again."""
    workers = here.terminal.workers()
    here.terminal.child.kill(number)
    here.terminal.ended()
    _, late = psutil.wait_procs(workers, timeout=_WORKER_S)
    assert not remaining(workers), "the worker outlived the app"
    here.over()
    here.start()
    here.terminal.wait(PROMPT, "interrupted", DRAFT)
    found = "started again: the text so far and the draft are there"
    return f"{found}; its worker lived for more than {_WORKER_S} s" if late else found


@while_writing("the app is killed (SIGKILL)", long=100)
def killed(here: Running, rng: random.Random) -> str:
    return _ended_by(here, signal.SIGKILL)


@while_writing("the connection drops (SIGHUP)", short=0, long=20)
def hung_up(here: Running, rng: random.Random) -> str:
    return _ended_by(here, signal.SIGHUP)


@while_writing("the app is asked to end (SIGTERM)", short=0, long=20)
def terminated(here: Running, rng: random.Random) -> str:
    return _ended_by(here, signal.SIGTERM)


@fault("the terminal goes away without a signal while a model writes", short=0, long=20)
def gone(place: Path, rng: random.Random) -> Outcome:
    (place / "config").mkdir()
    (place / "config" / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
    with started([PROGRAM], environment(place)) as (app, line):
        line.wait("on disk")
        os.write(line.near, b"\r")  # the draft of the first start
        line.wait("writing")
        os.write(line.near, DRAFT.encode())
        line.wait("thought")
        children = psutil.Process(app.pid).children(recursive=True)
        assert children
        line.close()
        began = time.monotonic()
        app.wait(timeout=PATIENCE_S)
        ended = time.monotonic()
        assert not remaining(children, _WORKER_S), f"the worker outlived the app by {_WORKER_S} s"
    missing = 0 if saved(place).drafts["continue"].text == DRAFT else len(DRAFT)
    return Outcome("it saves and ends by itself, with its worker", missing, ended - began)


@while_writing("another app is started on the same session file and writes too", short=0, long=10)
def two_apps(here: Running, rng: random.Random) -> str:
    with app(here.place) as other:
        begin_stream(other)
        type_text(other, DRAFT)
        other.wait("120 tokens · ", "perplexity")
        leave(other)
    here.over()
    here.terminal.wait("120 tokens · ", "perplexity", DRAFT)
    return "each has a session of its own, whole"


@while_writing("the window shrinks to 10x3 and 1x1 and grows again", long=20)
def resized(here: Running, rng: random.Random) -> str:
    sizes = [(10, 3), (1, 1), *((rng.randint(1, 120), rng.randint(1, 50)) for _ in range(6))]
    for columns, rows in sizes:
        here.terminal.resize(columns, rows)
        watch(here.terminal, rng.uniform(0, 0.3))
    here.terminal.resize(COLUMNS, ROWS)
    here.over()
    here.terminal.wait("120 tokens · ", "perplexity", DRAFT)
    return "draws the whole screen again"


@while_writing("its files are looked at, which it makes with the umask 0,", long=1)
def private(here: Running, rng: random.Random) -> str:
    here.terminal.wait("120 tokens · ", "perplexity")
    state = here.place / "state"
    for file in (state, *state.iterdir()):
        assert not file.stat().st_mode & 0o077, f"{file} can be read by others"
        holds = file.is_file() and PROMPT.encode() in file.read_bytes()
        assert not holds or file.name.startswith(history_file(here.place).name), file
    return "they are their owner's alone; the session file alone holds prompts"


_PASTED = 1_000_000


@fault("a megabyte is pasted", long=10)
def pasted(place: Path, rng: random.Random) -> Outcome:
    width = rng.choice((20, 80, 1000))
    line = "".join(rng.choice("abcdefgh ") for _ in range(width - 1)) + "\n"
    written = line * (_PASTED // width)
    here = running()
    terminal = here.terminal
    with noted(lambda: terminal.text):
        new_session(terminal)
        paste = f"\x1b[200~{written}\x1b[201~"
        sending = threading.Thread(target=terminal.press, args=(paste,))
        sending.start()
        began = time.monotonic()
        terminal.wait(f"{len(written):,} characters")
        sending.join()
        type_text(terminal, DRAFT)
        recovered = time.monotonic() - began
        missing = not_kept(here, written + DRAFT)
    return Outcome("it is kept as it is, and what is typed behind it", missing, recovered)


@fault("a session of 2,000 cards", short=0, long=5)
def many_cards(place: Path, rng: random.Random) -> Outcome:
    return _opened(place, [finished(f"prompt {number}") for number in range(2000)])


@fault("a card of 10,000 tokens", short=0, long=5)
def long_card(place: Path, rng: random.Random) -> Outcome:
    return _opened(place, [finished(tokens=10_000)])


def _opened(place: Path, cards: list[ContinueCard]) -> Outcome:
    """Start the app on a session of these cards and type in it."""
    history_file(place).parent.mkdir(parents=True)
    asyncio.run(_write(history_file(place), cards))
    began = time.monotonic()
    with app(place) as terminal:
        terminal.wait(f"{len(cards[-1].branches[0].tokens)} tokens · ", "on disk")
        type_text(terminal, DRAFT)
        opened = time.monotonic() - began
        leave(terminal)
    session = saved(place)
    kept = {card.id: card.answer for card in session.cards if isinstance(card, ContinueCard)}
    missing = sum(0 if kept.get(card.id) == card.answer else len(card.answer) for card in cards)
    missing += 0 if session.drafts["continue"].text.endswith(DRAFT) else len(DRAFT)
    return Outcome("its end is on the screen", missing, opened)


async def _write(path: Path, cards: list[ContinueCard]) -> None:
    history = History(path, print)
    await history.open()
    for card in cards:
        history.save_card(card)
    await history.close()

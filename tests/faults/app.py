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
from tests.faults.harness import (
    COLUMNS,
    PROMPT,
    ROWS,
    SETTINGS,
    Outcome,
    app,
    begin_stream,
    fault,
    history_file,
    leave,
    lost,
    saved,
    shown,
    type_text,
    watch,
    whole_answer,
)
from tests.support.sample_cards import finished
from tests.support.terminal import PROGRAM, environment
from tui.cards import ContinueCard
from tui.history import History

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


@fault("the app is killed (SIGKILL) while a model writes", short=1, long=100)
def killed(place: Path, rng: random.Random) -> Outcome:
    return _ended_by(place, rng, signal.SIGKILL)


@fault("the connection drops (SIGHUP) while a model writes", short=1, long=20)
def hung_up(place: Path, rng: random.Random) -> Outcome:
    return _ended_by(place, rng, signal.SIGHUP)


@fault("the app is asked to end (SIGTERM) while a model writes", short=1, long=20)
def terminated(place: Path, rng: random.Random) -> Outcome:
    return _ended_by(place, rng, signal.SIGTERM)


@fault("the terminal goes away without a signal while a model writes", short=1, long=20)
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
        app.wait(timeout=60)
        ended = time.monotonic()
        assert not remaining(children), "the worker outlived the app"
        late = time.monotonic() - ended > _WORKER_S
    session = saved(place)
    missing = 0 if session.drafts["continue"].text == DRAFT else len(DRAFT)
    seen = "it saves and ends by itself, with its worker"
    seen += f", which outlived it by {_WORKER_S} s" if late else ""
    return Outcome(seen, missing, ended - began)


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


@fault("the window shrinks to 10x3 and 1x1 and grows again while a model writes", short=1, long=20)
def resized(place: Path, rng: random.Random) -> Outcome:
    whole = whole_answer()
    sizes = [(10, 3), (1, 1), *((rng.randint(1, 120), rng.randint(1, 50)) for _ in range(6))]
    with app(place) as terminal:
        begin_stream(terminal)
        for columns, rows in sizes:
            terminal.resize(columns, rows)
            watch(terminal, rng.uniform(0, 0.3))
        terminal.resize(COLUMNS, ROWS)
        began = time.monotonic()
        terminal.wait("120 tokens · ", "perplexity")
        recovered = time.monotonic() - began
        type_text(terminal, DRAFT)
        leave(terminal)
    session = saved(place)
    missing = lost(len("".join(whole.split())), session)
    missing += 0 if session.drafts["continue"].text == DRAFT else len(DRAFT)
    return Outcome("draws the whole screen again", missing, recovered)


_PASTED = 1_000_000


@fault("a megabyte is pasted", short=1, long=10)
def pasted(place: Path, rng: random.Random) -> Outcome:
    width = rng.choice((20, 80, 1000))
    line = "".join(rng.choice("abcdefgh ") for _ in range(width - 1)) + "\n"
    written = line * (_PASTED // width)
    with app(place) as terminal:
        terminal.wait("greedy · 43 tokens")
        terminal.press("ctrl+n")
        terminal.wait("seed 7")
        paste = f"\x1b[200~{written}\x1b[201~"
        sending = threading.Thread(target=terminal.press, args=(paste,))
        sending.start()
        began = time.monotonic()
        terminal.wait(f"{len(written):,} characters")
        sending.join()
        type_text(terminal, DRAFT)
        recovered = time.monotonic() - began
        leave(terminal)
    kept = saved(place).drafts["continue"].text
    missing = 0 if kept == written + DRAFT else len(written)
    return Outcome("it is kept as it is, and what is typed behind it", missing, recovered)


@fault("a session of 2,000 cards", short=1, long=5)
def many_cards(place: Path, rng: random.Random) -> Outcome:
    return _opened(place, [finished(f"prompt {number}") for number in range(2000)])


@fault("a card of 10,000 tokens", short=1, long=5)
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

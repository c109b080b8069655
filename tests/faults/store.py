"""The session file cannot be written, is damaged, or is gone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import resource
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from tests.faults.harness import Outcome, Skipped, fault
from tests.faults.running import (
    DRAFT,
    PARAMETERS,
    PROMPT,
    Running,
    app,
    begin_stream,
    history_file,
    leave,
    lost,
    new_session,
    saved,
    type_text,
    watch,
    while_writing,
    whole_answer,
)
from tests.support.sample_cards import filled, running, scored, token
from tests.support.terminal import Terminal
from tui.cards import Card, ContinueCard
from tui.cards.drafts import Draft
from tui.history import History
from tui.history.records import card_decoder, draft_decoder, token_decoder
from tui.render.blocks import PLAIN, block
from tui.terminal.sanitise import UNICODE

_SMALL = 1024
"""Bytes that a file may have while the disk is full."""


@contextlib.contextmanager
def _no_room(terminal: Terminal) -> Iterator[None]:
    """Let the app write nothing behind the first bytes of any file."""
    pid = terminal.child.pid
    assert pid is not None
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (_SMALL, hard))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))


@contextlib.contextmanager
def _locked(place: Path, mode: str = "NORMAL") -> Iterator[None]:
    """Hold the session file as another program would; in the mode EXCLUSIVE, also for readers."""
    with closing(sqlite3.connect(history_file(place), isolation_level=None)) as other:
        other.execute(f"PRAGMA locking_mode = {mode}")
        other.execute("BEGIN EXCLUSIVE")
        yield


def _unsaved(terminal: Terminal, trouble: contextlib.AbstractContextManager[None], s: float) -> str:
    """Have trouble for some seconds more than it takes to be seen."""
    with trouble:
        terminal.wait("not saved", "Not saved yet")
        watch(terminal, s)
    return "says that it is not saved, then that it is"


@while_writing("files can grow no more (RLIMIT_FSIZE) for seconds", long=20)
def full(here: Running, rng: random.Random) -> str:
    seen = _unsaved(here.terminal, _no_room(here.terminal), rng.uniform(0, 5))
    here.over()
    here.terminal.wait("Nothing is missing")
    return seen


@while_writing("another program locks the session file for seconds", long=20)
def locked(here: Running, rng: random.Random) -> str:
    seen = _unsaved(here.terminal, _locked(here.place), rng.uniform(0, 5))
    here.over()
    here.terminal.wait("Nothing is missing")
    return seen


@while_writing("the session file is deleted", short=0, long=10)
def deleted(here: Running, rng: random.Random) -> str:
    for file in history_file(here.place).parent.glob("history.sqlite3*"):
        file.unlink()
    leave(here.terminal)
    here.over()
    here.start()
    here.terminal.wait(PROMPT, DRAFT)
    return "the session is written again when the app ends, at the latest"


@fault(
    "the disk is full (ENOSPC, a small tmpfs) for seconds while a model writes", short=0, long=10
)
def no_space(place: Path, rng: random.Random) -> Outcome:
    expected = len("".join(whole_answer().split()))
    (place / "state").mkdir()
    mount = f'mount -t tmpfs -o size=16m none "{place / "state"}" && exec "$0"'
    own = ["unshare", "-rm"]  # a root of its own may mount, whoever runs this
    if subprocess.run([*own, "sh", "-c", mount, "true"], capture_output=True).returncode:
        raise Skipped("nothing can be mounted here")
    with app(place, *own, "sh", "-c", mount) as terminal:
        begin_stream(terminal)
        type_text(terminal, DRAFT[:4])
        inside = Path(f"/proc/{terminal.child.pid}/root{place}")
        filler = inside / "state" / "filler"
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(512)):
                pass
        terminal.press(DRAFT[4:])
        terminal.wait("not saved", "Not saved yet", DRAFT)
        watch(terminal, rng.uniform(0, 5))
        filler.unlink()
        began = time.monotonic()
        terminal.wait("Nothing is missing")
        recovered = time.monotonic() - began
        terminal.wait("120 tokens · ", "perplexity")
        watch(terminal, 2)
        # SQLite would follow the link of /proc to our own root.
        shutil.copytree(inside / "state", place / "taken" / "state")
        leave(terminal)
    missing = lost(expected, saved(place / "taken"))
    return Outcome("says that it is not saved, then that it is", missing, recovered)


@fault("the session file and its folder cannot be written, then they can", short=0, long=10)
def read_only(place: Path, rng: random.Random) -> Outcome:
    expected = len("".join(whole_answer().split()))
    with app(place) as terminal:
        terminal.wait(PARAMETERS)
        leave(terminal)
    files = [history_file(place), place / "state"]
    for file in files:
        file.chmod(0o500)
    root = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
    with app(place, *(root if os.geteuid() == 0 else ())) as terminal:
        terminal.wait("cannot be written")
        begin_stream(terminal)
        type_text(terminal, DRAFT)
        terminal.wait("120 tokens · ", "perplexity", "not saved")
        for file in files:
            file.chmod(0o700)
        began = time.monotonic()
        terminal.wait("Nothing is missing")
        recovered = time.monotonic() - began
        leave(terminal)
    missing = lost(expected, saved(place))
    return Outcome("says that it is not saved, then that it is", missing, recovered)


@fault("a person types before the session file can be read", short=0, long=10)
def typed_early(place: Path, rng: random.Random) -> Outcome:
    with app(place) as terminal:
        new_session(terminal)
        type_text(terminal, DRAFT)
        leave(terminal)
    typed = "xyzzy"[: rng.randint(1, 5)]
    with contextlib.ExitStack() as lock:
        lock.enter_context(_locked(place, "EXCLUSIVE"))
        with app(place) as terminal:
            terminal.wait(PARAMETERS)
            type_text(terminal, typed)
            watch(terminal, rng.uniform(0, 2))
            lock.close()
            began = time.monotonic()
            terminal.wait(DRAFT + typed)
            recovered = time.monotonic() - began
            leave(terminal)
    missing = lost(0, saved(place), DRAFT + typed)
    return Outcome("it stands behind the draft that is restored", missing, recovered)


# ------------------------------------------------------------------------------- damage


@fault("bytes of the session file are changed at random", short=20, long=1000)
def mutated(place: Path, rng: random.Random) -> Outcome:
    content = bytearray(_good_file())
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16, 64))):
        content[rng.randrange(len(content))] = rng.randrange(256)
    if rng.random() < 0.1:
        at = rng.randrange(0, len(content), 4096)
        content[at : at + 4096] = rng.randbytes(4096)
    if rng.random() < 0.05:
        del content[rng.randrange(len(content)) :]
    path = history_file(place)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    readable = _readable(path)
    began = time.monotonic()
    opened, moved = asyncio.run(_open(path))
    recovered = time.monotonic() - began
    missing = sum(len(each) for each in readable if each not in opened)
    seen = "what can be read is in a new file" if moved else "opens, without what is unreadable"
    return Outcome(seen, missing, recovered)


_TEXTS, _TOKENS = 6, 12


@cache
def _good_file() -> bytes:
    """A session file with cards of all panes and a draft, each text in it once."""

    async def write(path: Path) -> None:
        history = History(path, print)
        await history.open()
        for number in range(_TEXTS):
            text = running(f"{PROMPT} {number}")
            for at in range(_TOKENS):
                text.fold(token(at, text=f"<{number}.{at}>"))
                history.save_card(text)
                await history.sessions()
            text.status = "done"
            for card in (
                text,
                filled(f"I [MASK] {number}"),
                scored(f"A {number}?", f"B {number}."),
            ):
                history.save_card(card)
        history.save_draft("continue", Draft(model="m", text=DRAFT))
        await history.close()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "history.sqlite3"
        asyncio.run(write(path))
        return path.read_bytes()


def _readable(path: Path) -> list[str]:
    """The texts that SQLite alone finds in the file, row by row."""
    found: list[str] = []
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as connection:
        for row in range(1, 4 * _TEXTS):
            with contextlib.suppress(sqlite3.Error, msgspec.DecodeError, ValueError, TypeError):
                (data,) = connection.execute(
                    "SELECT data FROM cards WHERE rowid = ? AND deleted IS NULL", (row,)
                ).fetchone()
                card = card_decoder.decode(data)
                found.append(card.wrote)
                if isinstance(card, ContinueCard):
                    found += _tokens(connection, card.id)
        with contextlib.suppress(sqlite3.Error, msgspec.DecodeError, ValueError, TypeError):
            (data,) = connection.execute("SELECT data FROM drafts").fetchone()
            found.append(draft_decoder.decode(data).text)
    return found


def _tokens(connection: sqlite3.Connection, card: str) -> list[str]:
    found: list[str] = []
    for start in range(_TOKENS):
        with contextlib.suppress(sqlite3.Error, msgspec.DecodeError, ValueError, TypeError):
            (data,) = connection.execute(
                "SELECT data FROM chunks WHERE card = ? AND branch = 0 AND start = ?", (card, start)
            ).fetchone()
            found += [each.text for each in token_decoder.decode(data)]
    return found


async def _open(path: Path) -> tuple[str, bool]:
    """Open the file as the app does, and draw all of it; the texts, and whether it was moved."""
    reports: list[str] = []
    history = History(path, reports.append)
    await history.open()
    texts: list[str] = []
    cards: list[Card] = []
    for summary in await history.sessions():
        session = await history.read(summary.id)
        assert session is not None
        cards += session.cards
        texts += [draft.text + draft.second for draft in session.drafts.values()]
    await history.close()
    for card in cards:
        assert block(card, 60, UNICODE, PLAIN).lines
        texts.append(f"{card.wrote}\n{card.answer}")
    return "\n".join(texts), any("was damaged" in each for each in reports)

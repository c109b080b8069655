"""What every fault needs: the whole app over a bundled model, and a count of what is lost."""

from __future__ import annotations

import contextlib
import importlib
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import engine
from tests.faults import KINDS
from tests.support.terminal import PATIENCE_S, Terminal, environment
from tui.cards import ContinueCard
from tui.history import Session
from tui.history.database import Database

PROMPT = "東京の街は"
SETTINGS = "sampling: {temperature: 1, top_p: 0.95, seed: 7}\nmax_tokens: 120\nthreads: 1\n"
"""Long enough to be broken in the middle; the seed makes every run write the same."""
STARTER = Path(engine.__file__).parent / "starter" / "starter-ja"
"""The folder of the model that writes."""
COLUMNS, ROWS = 100, 50
"""Room for the whole of it."""


@dataclass(frozen=True)
class Outcome:
    """What one try came to."""

    seen: str
    """In a few words; tries that end alike say it alike."""
    lost: int = 0
    """Characters that had been typed or shown, or could be read, and are gone."""
    recovered_s: float | None = None
    """Seconds until all worked again, where something had to."""


Try = Callable[[Path, random.Random], Outcome]


@dataclass(frozen=True)
class Fault:
    """Something that breaks."""

    kind: str
    name: str
    short: int
    """How often it is tried where the time is short."""
    long: int
    attempt: Try

    def attempt_at(self, seed: int, number: int) -> Outcome:
        """Try it in an empty folder; the same numbers leave the same to chance."""
        with TemporaryDirectory(prefix="tsuzuki-fault-") as place:
            return self.attempt(Path(place), random.Random(f"{self.name} {seed} {number}"))


_faults: list[Fault] = []


def fault(name: str, *, short: int = 1, long: int = 10) -> Callable[[Try], Try]:
    """Make a function one of the faults."""

    def register(attempt: Try) -> Try:
        kind = attempt.__module__.rpartition(".")[2]
        _faults.append(Fault(kind, name, short, long, attempt))
        return attempt

    return register


def faults() -> list[Fault]:
    """All of them, by kind."""
    for kind in KINDS:
        importlib.import_module(f"tests.faults.{kind}")
    return sorted(_faults, key=lambda each: KINDS.index(each.kind))


@dataclass
class Row:
    """A line of the table."""

    fault: Fault
    seen: Counter[str]
    lost: int = 0
    slowest_s: float | None = None

    def add(self, outcome: Outcome) -> None:
        """Count one try."""
        self.seen[outcome.seen] += 1
        self.lost += outcome.lost
        if outcome.recovered_s is not None:
            self.slowest_s = max(self.slowest_s or 0.0, outcome.recovered_s)

    def __str__(self) -> str:
        seen = "; ".join(f"{n} × {what}" for what, n in self.seen.most_common())
        slowest = "" if self.slowest_s is None else f"{self.slowest_s:.1f}"
        name = f"{self.fault.kind}: {self.fault.name}"
        return f"| {name} | {self.seen.total()} | {seen} | {self.lost} | {slowest} |"


HEAD = (
    "| fault | times | what was seen | characters lost | seconds to recover, at most |\n"
    "| --- | ---: | --- | ---: | ---: |"
)


# ------------------------------------------------------------------------------- the app


@contextlib.contextmanager
def app(place: Path, **more: str) -> Iterator[Terminal]:
    """The app in a terminal, with all its folders in `place`; killed at the end if need be."""
    settings = place / "config" / "settings.yaml"
    if not settings.exists():
        settings.parent.mkdir(parents=True)
        settings.write_text(SETTINGS, encoding="utf-8")
    terminal = Terminal(environment(place, **more), COLUMNS, ROWS)
    try:
        yield terminal
    finally:
        terminal.child.close(force=True)


def begin_stream(terminal: Terminal) -> None:
    """Begin a session of its own and have the model write in it."""
    terminal.wait("greedy · 43 tokens")
    terminal.press("ctrl+n")
    terminal.wait("seed 7 · 120 tokens")
    terminal.press(PROMPT, "enter")
    terminal.wait("writing", PROMPT)


def watch(terminal: Terminal, seconds: float) -> None:
    """Take in what the app draws for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        terminal.read()


def either(terminal: Terminal, *texts: str) -> str:
    """Read until one of these texts is on the screen; return which."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        terminal.read()
        for each in texts:
            if each in terminal.text:
                return each
    raise AssertionError(f"none of {texts} appeared in:\n{terminal.text}")


def type_text(terminal: Terminal, written: str) -> None:
    """Type and wait until it is on the screen."""
    terminal.press(written)
    terminal.wait(written)


def leave(terminal: Terminal) -> None:
    """End the app as a person does."""
    terminal.press("ctrl+q")
    assert terminal.ended() == 0


@cache
def whole_answer() -> str:
    """What the model writes when nothing breaks."""
    with TemporaryDirectory(prefix="tsuzuki-fault-") as place:
        with app(Path(place)) as terminal:
            begin_stream(terminal)
            terminal.wait("120 tokens · ", "perplexity")
            leave(terminal)
        return answer(saved(Path(place)))


def shown(terminal: Terminal) -> int:
    """How many characters of the answer are on the screen, blanks left out."""
    screen = "".join(terminal.text.split())
    at = screen.find(PROMPT)
    found = screen[at + len(PROMPT) :] if at >= 0 else ""
    expected = "".join(whole_answer().split())
    pairs = enumerate(zip(expected, found, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(expected), len(found)))


# ------------------------------------------------------------------------------- the file


def history_file(place: Path) -> Path:
    """Where the app keeps its sessions."""
    return place / "state" / "history.sqlite3"


def saved(place: Path) -> Session:
    """The session used last, as the next start will find it."""
    database = Database(history_file(place))
    try:
        latest = database.latest()
        found = None if latest is None else database.session(latest)
    finally:
        database.close()
    assert found is not None, "no session was saved"
    return found


def answer(session: Session) -> str:
    """What the model wrote in a session."""
    cards = [card for card in session.cards if isinstance(card, ContinueCard)]
    return "".join(card.answer for card in cards)


def lost(on_screen: int, session: Session) -> int:
    """How many of the characters that were on the screen are not in the file."""
    kept = "".join(answer(session).split())
    whole = "".join(whole_answer().split())
    assert whole.startswith(kept), "what is saved is not what was written"
    return max(0, on_screen - len(kept))

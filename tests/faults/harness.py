"""What a fault is, how it is tried, and the table of what was seen."""

from __future__ import annotations

import importlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.faults import KINDS


@dataclass(frozen=True)
class Outcome:
    """What one try came to."""

    seen: str
    """In a few words; tries that end alike say it alike."""
    lost: int = 0
    """Characters that had been typed or shown, or could be read, and are gone."""
    recovered_s: float | None = None
    """Seconds until all worked again, where something had to."""


class Skipped(Exception):
    """This machine cannot have the fault; says why."""


Try = Callable[[Path, random.Random], Outcome]


@dataclass(frozen=True)
class Fault:
    """Something that breaks."""

    kind: str
    name: str
    short: int
    """How often it is tried where the time is short; 0 where it is slow by nature."""
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

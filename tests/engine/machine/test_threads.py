"""How many threads follow from what others use, over a processor that a test writes itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.machine.threads import EVERY_S, LOOKS, Reading, Threads, default_threads, read
from engine.messages import Cores


class Processor:
    """Cores on which time passes as a test says, and what `Threads` does about it."""

    def __init__(self, cores: int = 2, *, fixed: bool = False, most: int | None = None) -> None:
        self.cores, self.now, self.reading = cores, 0.0, Reading(0.0, 0.0, 0.0)
        self.used: list[int] = []
        self.reported: list[Cores] = []
        self.threads = Threads(
            most or cores,
            fixed=fixed,
            changed=self.reported.append,
            use=self.used.append,
            read=lambda: self.reading,
            clock=lambda: self.now,
        )

    def passes(self, own: float, others: float, looks: int = 1) -> None:
        """Let a while pass between two looks; `own` and `others` are in cores."""
        for _ in range(looks):
            self.now += EVERY_S
            idle = self.cores - own - others
            spent = (EVERY_S * part for part in (self.cores, idle, own))
            self.reading = Reading(
                *(old + new for old, new in zip(self.reading, spent, strict=True))
            )
            self.threads.look()


@pytest.mark.parametrize(
    ("cores", "own", "others", "threads"),
    [
        (2, 2.0, 0.0, 2),
        (2, 1.7, 0.3, 2),  # the app draws
        (2, 1.33, 0.67, 1),  # a neighbour that shares with two threads
        (2, 1.0, 1.0, 1),
        (2, 0.67, 1.33, 1),
        (2, 0.0, 2.0, 1),
        (8, 4.0, 3.0, 5),
        (8, 0.0, 7.9, 1),
        (8, 4.0, 3.3, 5),
        (1, 0.5, 0.5, 1),
    ],
)
def test_as_many_threads_as_there_are_free_cores(
    cores: int, own: float, others: float, threads: int
) -> None:
    machine = Processor(cores)
    machine.passes(own, others)
    assert (machine.used or [cores])[-1] == threads


def test_a_thread_goes_at_once_and_comes_back_when_its_core_stayed_free() -> None:
    machine = Processor()
    machine.passes(1.33, 0.67)
    assert machine.used == [1]
    machine.passes(1.0, 0.0, LOOKS - 1)
    machine.passes(1.0, 1.0)
    machine.passes(1.0, 0.0, LOOKS - 1)
    assert machine.used == [1]
    machine.passes(1.0, 0.0)
    assert machine.used == [1, 2]


def test_threads_are_never_more_than_wanted() -> None:
    machine = Processor(8, most=3)
    machine.passes(0.0, 6.0)
    machine.passes(2.0, 0.0, 2 * LOOKS)
    assert machine.used == [2, 3]


def test_a_number_from_the_settings_stays_and_a_busy_machine_is_reported() -> None:
    machine = Processor(fixed=True)
    machine.passes(1.0, 1.0)
    machine.passes(2.0, 0.0, LOOKS)
    assert machine.used == []
    assert machine.reported == [Cores(threads=2, busy=True), Cores(threads=2)]


def test_what_has_not_changed_is_not_reported_again() -> None:
    machine = Processor()
    machine.passes(2.0, 0.0, 3)
    assert machine.reported == []
    machine.passes(1.0, 1.0, 3)
    assert machine.reported == [Cores(threads=1, busy=True)]


def test_many_cores_with_one_neighbour_are_not_busy() -> None:
    machine = Processor(8)
    machine.passes(7.0, 1.0)
    assert machine.reported == [Cores(threads=7)]


def test_nothing_changes_where_the_system_does_not_show_its_cores() -> None:
    machine = Processor()
    machine.now = 1.0
    machine.reading = Reading(0.0, 0.0, 0.5)
    machine.threads.look()
    assert machine.used == []


def test_it_looks_only_now_and_then() -> None:
    machine = Processor()
    machine.reading = Reading(1.0, 0.0, 0.0)
    machine.now = EVERY_S / 2
    machine.threads.look()
    assert machine.used == []


def test_the_clocks_run() -> None:
    before = read()
    sum(range(200_000))
    after = read()
    assert after.own > before.own
    assert after.all >= before.all
    assert 0 <= after.idle - before.idle <= after.all - before.all


@pytest.fixture
def eight_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("psutil.cpu_count", lambda logical: 8)
    monkeypatch.setattr("engine.machine.threads._allowed", lambda: set(range(8)))


@pytest.mark.usefixtures("eight_cores")
@pytest.mark.parametrize(
    ("container", "service", "own", "threads"),
    [
        ("max 100000", "max 100000", "0::/system/tsuzuki", 8),
        ("350000 100000", None, "0::/", 3),
        ("50000 100000", None, "0::/", 1),
        ("max 100000", "250000 100000", "0::/system/tsuzuki", 2),
        ("400000 100000", "600000 100000", "0::/system/tsuzuki", 4),
        ("max 100000", "250000 100000", "0::/system", 8),
        ("350000 100000", None, "0::/../../elsewhere", 3),
        ("350000 100000", None, "12:cpu:/of-version-1", 3),
    ],
)
def test_the_quotas_of_all_groups_around_the_process_count(
    tmp_path: Path, container: str, service: str | None, own: str, threads: int
) -> None:
    inner = tmp_path / "system" / "tsuzuki"
    inner.mkdir(parents=True)
    (tmp_path / "cpu.max").write_text(f"{container}\n")
    if service is not None:
        (inner / "cpu.max").write_text(f"{service}\n")
    (tmp_path / "own").write_text(f"{own}\n")
    assert default_threads(tmp_path, tmp_path / "own") == threads


@pytest.mark.usefixtures("eight_cores")
def test_without_groups_the_machine_counts(tmp_path: Path) -> None:
    assert default_threads(tmp_path / "no", tmp_path / "no-such-file") == 8

"""The speed of one runtime beside another, by a clock that both move."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from engine.interfaces import Branches
from engine.runtime.generic import GenericRuntime
from engine.runtime.speed import STEPS, TURNS, speed
from tests.support.families import build, finish, text


class Slow(GenericRuntime):
    """Takes as long as it says, by a clock of the test's; ten times as long at first."""

    def __init__(self, clock: list[float], seconds: float) -> None:
        super().__init__(build("gpt2"))
        self.clock, self.seconds = clock, seconds
        self.fed: list[int] = []

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        self.clock[0] += self.seconds * (1 if self.fed else 10)
        self.fed += ids[0]
        return super().feed(branches, ids, whole)


def test_it_is_the_ratio_of_steps_taken_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("engine.runtime.speed.time.perf_counter", lambda: clock[0])
    exact, form = Slow(clock, 0.3), Slow(clock, 0.1)
    ids = text(40)
    found, yields = finish(speed(exact, form, "int4", ids))
    assert found == pytest.approx(3.0)
    assert exact.fed == form.fed == ids[: TURNS * STEPS]
    assert yields == 2 * TURNS * STEPS

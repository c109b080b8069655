"""Turns, medians and ratios."""

from __future__ import annotations

from engine.bench.timing import turns
from engine.messages import Measured


def test_everybody_takes_turns_and_the_first_does_not_count() -> None:
    order: list[str] = []
    results = {"a": iter([100.0, 1.0, 9.0, 2.0]), "b": iter([100.0, 5.0, 5.0, 5.0])}

    def run(name: str) -> float:
        order.append(name)
        return next(results[name])

    found = turns({"a": lambda: run("a"), "b": lambda: run("b")}, 3)
    assert found == {"a": 2.0, "b": 5.0}
    assert order == ["a", "b"] * 4


def test_a_ratio_is_how_many_times_as_fast() -> None:
    speed = Measured(group="g", case="c", unit="tokens/s", value=100.0, peers={"p": 50.0})
    wait = Measured(group="g", case="c", unit="s", value=0.5, peers={"p": 2.0})
    distance = Measured(group="g", case="c", unit="nats", value=0.5, peers={"p": 2.0})
    assert speed.ratio("p") == 2.0
    assert distance.ratio("p") == 4.0
    assert wait.ratio("p") == 4.0

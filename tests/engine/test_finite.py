"""No figure that JSON has no word for leaves the engine, whatever event it is in."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

import pytest

from engine import finite, wire
from engine.messages import (
    Alternative,
    Arranged,
    BranchDone,
    Event,
    MatrixCells,
    NspDirection,
    NspResult,
    Token,
)
from engine.messages.parts import Cell
from engine.scheduler import Scheduler


def token(logprob: float, other: float = -1.0) -> Token:
    return Token(
        branch=0,
        id=1,
        text="a",
        piece="a",
        logprob=logprob,
        sampled_logprob=-1.0,
        rank=1,
        entropy=0.5,
        top=[Alternative(1, "a", -1.0), Alternative(2, "b", other)],
    )


def pair(logit: float) -> NspResult:
    back = NspDirection(probability=0.5, logits=(1.0, logit), margin=0.0)
    return NspResult(
        model="m",
        probability=0.5,
        logits=(1.0, 1.0),
        margin=0.0,
        reversed=back,
        tokens=[],
        attention_mask=[],
    )


WITH: dict[str, Callable[[float], Event]] = {
    "a token's own": token,
    "an alternative's": lambda figure: token(-1.0, figure),
    "a boundary": lambda figure: BranchDone(branch=0, finish="length", boundary=figure),
    "a pair within a result": pair,
    "a cell": lambda figure: MatrixCells([Cell(0, 1, 0.5), Cell(1, 0, figure)], 2),
    "a list of plain numbers": lambda figure: Arranged(shuffles=0, places=[0.5, figure]),
}


@pytest.mark.parametrize("place", WITH)
@pytest.mark.parametrize("figure", [math.nan, math.inf, -math.inf])
def test_an_answer_with_such_a_figure_becomes_an_error_in_words(place: str, figure: float) -> None:
    sent: list[Event] = []

    def send(number: int, event: Event) -> None:
        finite.check(event, wire.pack(event))
        sent.append(event)

    scheduler = Scheduler(send, lambda: 0.0)
    scheduler.start(1, (WITH[place](n) for n in (1.5, figure, 2.5)))
    for _ in range(3):
        scheduler.round()
    first, last = sent
    assert first == WITH[place](1.5)
    assert getattr(last, "kind", "") == "unable"


# How msgpack writes NaN, as far as it goes, at the end of an exact figure.
LOOKALIKE = struct.unpack(">d", bytes.fromhex("3ff0000000cb7ff8"))[0]


def test_whole_answers_pass() -> None:
    for figure in (0.0, -1e308, 5e-324, LOOKALIKE):
        for answer in WITH.values():
            event = answer(figure)
            finite.check(event, wire.pack(event))

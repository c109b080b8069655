"""Every block of Python runs by itself, and gives what the engine answers the stop's requests."""

from __future__ import annotations

import ast
import contextlib
import io
import math
import re
from pathlib import Path
from typing import TypeVar

import pytest

import engine
from engine.client import Engine
from engine.messages import (
    Answer,
    AttentionRows,
    Configure,
    Error,
    Event,
    HeadNumbers,
    HeadsOfLayer,
    Opened,
    Tensor,
    Token,
    Tokens,
)
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from tui.lesson.blocks import block
from tui.lesson.network import Network
from tui.lesson.progress import Texts
from tui.lesson.stops import STOPS, Stop, summed

T = TypeVar("T")
FOLDER = Path(engine.__file__).parent / "starter"
OWN = Texts(
    begun="春の\"海'を$見て",
    masked="She read a [MASK] in the garden",
    a="Where is my hat?",
    b="It's on the table.",
)
"""Other texts than the notebook's, with what Python or a template would take for its own."""


async def ask(own: Engine, stop: Stop, texts: Texts) -> list[Event]:
    """What the engine answers a stop."""
    found: list[Event] = []
    asks = list(stop.shown(texts))
    for each in asks:
        async for event in own.request(each):
            assert not isinstance(event, Error), event
            found.append(event)
            if stop.sums is not None and isinstance(event, Opened) and len(asks) == 1:
                asks.append(summed(each, stop.sums[False], event.position))
    return found


def printed(stop: Stop, texts: Texts, network: Network) -> str:
    """What a block prints, run with no name but its own."""
    source = block(
        stop.id, texts, str(FOLDER / STARTER_CAUSAL), str(FOLDER / STARTER_MASKED), network
    )
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, stop.id, "exec"), {"__name__": "__main__"})
    return out.getvalue()


def numbers(written: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.\d+", written)]


def shown(stop: Stop, found: list[Event]) -> list[float]:
    """The numbers of a stop that its block prints, in the same order."""

    def of(kind: type[T]) -> list[T]:
        return [event for event in found if isinstance(event, kind)]

    match stop.id:
        case "model" | "fill":
            (answer,) = of(Answer)
            return [100 * choice.prob for choice in answer.choices]
        case "embedding":
            (states,) = [t for t in of(Tensor) if t.name == "hidden_states[0]"]
            return states.values[:4]
        case "numbers":
            (head,) = of(HeadNumbers)
            return head.output[:4]
        case "heads":
            entropies = [head.entropy for layer in of(HeadsOfLayer) for head in layer.heads]
            return [entropy / math.log(2) for entropy in entropies]
        case "mask":
            return [w for rows in of(AttentionRows) for row in rows.weights for w in row]
        case "sides":
            last = [t for t in of(Tensor) if t.name == "hidden_states[4]"]
            return [value for t in last for value in t.values[:4]]
        case "pair":
            (answer,) = of(Answer)
            follows, other = sorted(answer.choices, key=lambda choice: choice.id)
            return [follows.logit, other.logit, 100 * follows.prob]
    raise AssertionError(stop.id)


@pytest.mark.slow
async def test_every_block_gives_the_numbers_on_the_screen(tmp_path: Path) -> None:
    own = await Engine.start(Configure(), tmp_path / "log", ignore, ignore)
    try:
        for stop in STOPS:
            for texts in (Texts(), OWN):
                check(stop, texts, await ask(own, stop, texts))
    finally:
        await own.stop()


def ignore(*events: object) -> None:
    """What the engine broadcasts."""


def check(stop: Stop, texts: Texts, found: list[Event]) -> None:
    network = Network()
    network.learn(60)
    written = printed(stop, texts, network)
    lines = written.splitlines()
    if stop.id == "network":
        assert numbers(written) == pytest.approx([network.loss], abs=2e-6)
    elif stop.id == "tokens":
        (tokens,) = [event for event in found if isinstance(event, Tokens)]
        assert ast.literal_eval(lines[0]) == [t.piece for t in tokens.tokens]
        ids = re.findall(r"\d+", "".join(lines[1:]))
        assert [int(n) for n in ids] == [t.id for t in tokens.tokens]
    elif stop.id == "continue":
        ids = [event.id for event in found if isinstance(event, Token)]
        assert ast.literal_eval(lines[0])[: len(ids)] == ids
    else:
        expected = shown(stop, found)
        assert len(expected) > 1
        near = pytest.approx(expected, abs=6e-3 if stop.id == "heads" else 2e-4)
        assert numbers(written)[-len(expected) :] == near, stop.id

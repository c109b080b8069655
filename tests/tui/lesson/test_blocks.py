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


async def ask(own: Engine, stop: Stop, asked: bool, texts: Texts) -> list[Event]:
    """What the engine answers a stop, or its question."""
    found: list[Event] = []
    asks = list(stop.answer(texts) if asked else stop.shown(texts))
    for each in asks:
        async for event in own.request(each):
            assert not isinstance(event, Error), event
            found.append(event)
            if stop.sums is not None and isinstance(event, Opened) and len(asks) == 1:
                asks.append(summed(each, stop.sums[asked], event.position))
    return found


def printed(stop: Stop, asked: bool, texts: Texts, network: Network) -> str:
    """What a block prints, run with no name but its own."""
    causal, masked = (str(FOLDER / name) for name in (STARTER_CAUSAL, STARTER_MASKED))
    source = block(stop, asked, texts, causal, masked, network)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(source, stop.id, "exec"), {"__name__": "__main__"})
    return out.getvalue()


def numbers(written: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d+\.\d+", written)]


def ids(written: str) -> list[list[int]]:
    """Each list of ids that is printed on a line of its own, or as a tensor."""
    found = re.findall(r"(?:^|\()\[+([\d,\s]+)\]", written, re.MULTILINE)
    return [[int(each) for each in one.split(",")] for one in found]


def shown(stop: Stop, found: list[Event]) -> list[float]:
    """The numbers of a stop that its block prints, in the same order."""

    def of(kind: type[T]) -> list[T]:
        return [event for event in found if isinstance(event, kind)]

    match stop.id:
        case "model" | "fill":
            (answer,) = of(Answer)
            return [100 * choice.prob for choice in answer.choices]
        case "embedding":
            rows = [t for t in of(Tensor) if t.stage == "embedding"]
            return [value for row in rows for value in row.values[:4]]
        case "numbers":
            (head,) = of(HeadNumbers)
            return head.output[:4]
        case "heads":
            entropies = [head.entropy for layer in of(HeadsOfLayer) for head in layer.heads]
            return [entropy / math.log(2) for entropy in entropies]
        case "mask":
            return [w for rows in of(AttentionRows) for row in rows.weights for w in row]
        case "sides":
            last = [t for t in of(Tensor) if t.name == "hidden_states[5]"]
            return [value for t in last for value in t.values[:4]]
        case "pair":
            (answer,) = of(Answer)
            follows, other = sorted(answer.choices, key=lambda choice: choice.id)
            return [follows.logit, other.logit, 100 * follows.prob]
    raise AssertionError(stop.id)


@pytest.mark.slow
@pytest.mark.parametrize("asked", [False, True])
async def test_every_block_gives_the_numbers_on_the_screen(tmp_path: Path, asked: bool) -> None:
    own = await Engine.start(Configure(), tmp_path / "log", ignore, ignore)
    try:
        for stop in STOPS:
            for texts in (Texts(), OWN):
                check(stop, asked, texts, await ask(own, stop, asked, texts))
    finally:
        await own.stop()


def ignore(*events: object) -> None:
    """What the engine broadcasts."""


def check(stop: Stop, asked: bool, texts: Texts, found: list[Event]) -> None:
    network = Network(bent=not asked)
    network.learn(60)
    written = printed(stop, asked, texts, network)
    if stop.id == "network":
        assert numbers(written) == pytest.approx([network.loss], abs=2e-6)
    elif stop.id == "tokens":
        (tokens,) = [event for event in found if isinstance(event, Tokens)]
        pieces = ast.literal_eval(written.splitlines()[0])
        assert pieces == [token.piece for token in tokens.tokens]
        assert ids(written) == [[token.id for token in tokens.tokens]]
    elif stop.id == "continue":
        drawn = [event.id for event in found if isinstance(event, Token)]
        assert [one for each in ids(written) for one in each] == drawn
    else:
        expected = shown(stop, found)
        assert len(expected) > 1
        near = pytest.approx(expected, abs=6e-3 if stop.id == "heads" else 2e-4)
        assert numbers(written)[-len(expected) :] == near, stop.id


@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.id)
@pytest.mark.parametrize("asked", [False, True])
def test_a_block_is_read_without_breaking_its_lines(stop: Stop, asked: bool) -> None:
    written = block(stop, asked, Texts(), "/models/starter-ja", "/models/starter-en", Network())
    compile(written, stop.id, "exec")
    assert max(map(len, written.splitlines())) < 80

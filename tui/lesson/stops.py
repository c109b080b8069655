"""The stops in the order of the subject: what each asks the engine, and what its question asks.

The numbers of a stop and the answer to its question are both answers of the engine: the answer asks
the same of another text, or of the other model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.messages import (
    GREEDY,
    Continue,
    LookInside,
    Request,
    Sampling,
    ShowAttention,
    ShowHead,
    ShowHeads,
    ShowTensors,
    Tokenize,
)
from engine.messages.starters import STARTER_CAUSAL, STARTER_MASKED
from tui.lesson.progress import Texts

TOP = 5
"""How many answers are shown."""
DRAWN = 20
"""How many tokens the model adds to a text."""
LAYER = 1
HEAD = 0
"""The head that is looked at; others are a question's."""

StopId = Literal[
    "model",
    "network",
    "tokens",
    "embedding",
    "numbers",
    "heads",
    "mask",
    "sides",
    "continue",
    "fill",
    "pair",
]
Field = Literal["begun", "masked", "a", "b"]
Asks = Callable[[Texts], Sequence[Request]]


@dataclass(frozen=True)
class Stop:
    """One stop. `shown` asks for its numbers, `answer` for those that answer its question."""

    id: StopId
    fields: tuple[Field, ...]
    """The texts that it works on."""
    shown: Asks
    answer: Asks
    sums: tuple[int, int] | None = None
    """The head that is shown in numbers at the position that answers, with and without the
    question; it can be asked for only when the text was read."""


def _nothing(texts: Texts) -> Sequence[Request]:
    return ()


def _causal(text: str) -> ShowTensors:
    return ShowTensors(model=STARTER_CAUSAL, text=text, top=TOP)


def _masked(text: str) -> ShowTensors:
    return ShowTensors(model=STARTER_MASKED, text=text, top=TOP)


def _pair(a: str, b: str) -> ShowTensors:
    return ShowTensors(model=STARTER_MASKED, text=a, second=b, top=2)


def _map(model: str, text: str) -> ShowAttention:
    return ShowAttention(model=model, text=text, layer=LAYER, head=HEAD, rows=128, columns=128)


def _first(text: str, model: str) -> ShowTensors:
    """What a model makes of the first token."""
    return ShowTensors(model=model, text=text, position=0, top=1)


def _both_ways(texts: Texts) -> Sequence[Request]:
    causal, masked = STARTER_CAUSAL, STARTER_MASKED
    return [
        _first(texts.begun, causal),
        _first(f"{texts.begun}夜", causal),
        _first(texts.masked, masked),
        _first(f"{texts.masked} again", masked),
    ]


def _drawn(text: str, sampling: Sampling) -> Continue:
    return Continue(model=STARTER_CAUSAL, prompt=text, sampling=sampling, max_tokens=DRAWN, top=TOP)


STOPS: tuple[Stop, ...] = (
    Stop("model", ("begun",), lambda t: [_causal(t.begun)], lambda t: [_causal(shorter(t.begun))]),
    Stop("network", (), _nothing, _nothing),
    Stop(
        "tokens",
        ("begun",),
        lambda t: [Tokenize(model=STARTER_CAUSAL, text=t.begun)],
        lambda t: [Tokenize(model=STARTER_MASKED, text=t.begun)],
    ),
    Stop(
        "embedding",
        ("begun",),
        lambda t: [_causal(t.begun)],
        lambda t: [
            ShowTensors(model=STARTER_CAUSAL, text="東京の東京", position=at, top=1)
            for at in (1, 3)
        ],
    ),
    Stop(
        "numbers",
        ("begun",),
        lambda t: [_causal(t.begun)],
        lambda t: [_causal(t.begun)],
        sums=(HEAD, HEAD + 1),
    ),
    Stop(
        "heads",
        ("begun", "masked"),
        lambda t: [ShowHeads(model=STARTER_CAUSAL, text=t.begun)],
        lambda t: [ShowHeads(model=STARTER_MASKED, text=t.masked)],
    ),
    Stop(
        "mask",
        ("begun", "masked"),
        lambda t: [_map(STARTER_CAUSAL, t.begun)],
        lambda t: [_map(STARTER_MASKED, t.masked)],
    ),
    Stop(
        "sides",
        ("begun", "masked"),
        lambda t: [_first(t.begun, STARTER_CAUSAL), _first(t.masked, STARTER_MASKED)],
        _both_ways,
    ),
    Stop(
        "continue",
        ("begun",),
        lambda t: [_drawn(t.begun, GREEDY)],
        lambda t: [_drawn(t.begun, Sampling(seed=seed)) for seed in (1, 2)],
    ),
    Stop(
        "fill",
        ("masked",),
        lambda t: [_masked(t.masked)],
        lambda t: [_masked("I played the [MASK] with my friends at school yesterday")],
    ),
    Stop(
        "pair",
        ("a", "b"),
        lambda t: [_pair(t.a, t.b)],
        lambda t: [_pair(t.a, "This food is made with flour and milk.")],
    ),
)


def shorter(text: str) -> str:
    """A text without its last character."""
    return text[:-1] or text


def summed(request: Request, head: int, position: int) -> LookInside:
    """One head in numbers, of the text that was read."""
    assert isinstance(request, ShowTensors)
    return ShowHead(
        model=request.model, text=request.text, layer=LAYER, head=head, position=position, keys=4
    )

"""The stops in the order of the subject: what each asks the engine, and what its question asks.

The numbers of a stop and the answer to its question are both answers of the engine: the answer asks
the same of another text, or of the other model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import structs

from engine.messages import (
    GREEDY,
    MASK,
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
TWICE = (1, 3)
"""Where 東京 is in 東京の東京."""
SEEDS = (1, 2)
BEGUN_END = "夜"
MASKED_END = " again"
"""Words that are added to a text."""

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


def _same(texts: Texts) -> Texts:
    return texts


@dataclass(frozen=True)
class Stop:
    """One stop: what it asks for its numbers, and for those that answer its question."""

    id: StopId
    fields: tuple[Field, ...]
    """The texts that it works on."""
    shown: Asks
    other: Asks | None = None
    """What the question asks for, of its texts; None: the same."""
    asked: Callable[[Texts], Texts] = _same
    """The texts that the question is about."""
    sums: tuple[int, int] | None = None
    """The head that is shown in numbers at the position that answers, with and without the
    question; it can be asked for only when the text was read."""

    def answer(self, texts: Texts) -> Sequence[Request]:
        """What answers the question."""
        return (self.other or self.shown)(self.asked(texts))


def _nothing(texts: Texts) -> Sequence[Request]:
    return ()


def _causal(texts: Texts) -> Sequence[Request]:
    return [ShowTensors(model=STARTER_CAUSAL, text=texts.begun, top=TOP)]


def _masked(texts: Texts) -> Sequence[Request]:
    return [ShowTensors(model=STARTER_MASKED, text=texts.masked, top=TOP)]


def _pair(texts: Texts) -> Sequence[Request]:
    return [ShowTensors(model=STARTER_MASKED, text=texts.a, second=texts.b, top=2)]


def _map(model: str, text: str) -> Sequence[Request]:
    return [ShowAttention(model=model, text=text, layer=LAYER, head=HEAD)]


def _first(text: str, model: str) -> ShowTensors:
    """What a model makes of the first token."""
    return ShowTensors(model=model, text=text, position=0, top=1)


def _both_ways(texts: Texts) -> Sequence[Request]:
    more = _longer(texts)
    return [
        _first(texts.begun, STARTER_CAUSAL),
        _first(more.begun, STARTER_CAUSAL),
        _first(texts.masked, STARTER_MASKED),
        _first(more.masked, STARTER_MASKED),
    ]


def _drawn(texts: Texts, *sampled: Sampling) -> Sequence[Request]:
    return [
        Continue(
            model=STARTER_CAUSAL,
            prompt=texts.begun,
            sampling=sampling,
            max_tokens=DRAWN,
            top=TOP,
        )
        for sampling in sampled
    ]


def _shorter(texts: Texts) -> Texts:
    """Without the last character."""
    return structs.replace(texts, begun=texts.begun[:-1] or texts.begun)


def _longer(texts: Texts) -> Texts:
    """With a word at the end."""
    return structs.replace(texts, begun=texts.begun + BEGUN_END, masked=texts.masked + MASKED_END)


def _left(texts: Texts) -> Texts:
    """Without what stands behind the gap."""
    return structs.replace(texts, masked=texts.masked.partition(MASK)[0] + MASK)


def _food(texts: Texts) -> Texts:
    """With another topic, the notebook's."""
    return structs.replace(texts, b="This food is made with flour and milk.")


STOPS: tuple[Stop, ...] = (
    Stop("model", ("begun",), _causal, asked=_shorter),
    Stop("network", (), _nothing),
    Stop(
        "tokens",
        ("begun",),
        lambda t: [Tokenize(model=STARTER_CAUSAL, text=t.begun)],
        lambda t: [Tokenize(model=STARTER_MASKED, text=t.begun)],
    ),
    Stop(
        "embedding",
        ("begun",),
        _causal,
        lambda t: [
            ShowTensors(model=STARTER_CAUSAL, text=t.begun, position=at, top=1) for at in TWICE
        ],
        lambda t: structs.replace(t, begun="東京の東京"),
    ),
    Stop("numbers", ("begun",), _causal, sums=(HEAD, HEAD + 1)),
    Stop(
        "heads",
        ("begun", "masked"),
        lambda t: [ShowHeads(model=STARTER_CAUSAL, text=t.begun)],
        lambda t: [ShowHeads(model=STARTER_MASKED, text=t.masked)],
    ),
    Stop(
        "mask",
        ("begun", "masked"),
        lambda t: _map(STARTER_CAUSAL, t.begun),
        lambda t: _map(STARTER_MASKED, t.masked),
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
        lambda t: _drawn(t, GREEDY),
        lambda t: _drawn(t, *(Sampling(temperature=1.0, top_p=1.0, seed=seed) for seed in SEEDS)),
    ),
    Stop("fill", ("masked",), _masked, asked=_left),
    Stop("pair", ("a", "b"), _pair, asked=_food),
)


def summed(request: Request, head: int, position: int) -> LookInside:
    """One head in numbers, of the text that was read."""
    assert isinstance(request, ShowTensors)
    return ShowHead(
        model=request.model, text=request.text, layer=LAYER, head=head, position=position, keys=4
    )

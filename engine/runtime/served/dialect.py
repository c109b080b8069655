"""What every server is asked, and what its answers are made of, whatever its dialect."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from msgspec import Struct

from engine.errors import refusal
from engine.messages import Message, Words

WANTED = 100
"""Alternatives asked for at each place; servers that list fewer are asked for theirs."""
FLOOR = -9999.0
"""vLLM writes this for minus infinity."""
EXCESS = 1e-3
"""By how much rounding may bring listed probabilities above 1."""

NEUTRAL: Mapping[str, float] = {
    "temperature": 1.0,
    "top_k": 1,
    "top_p": 1.0,
    "min_p": 0.0,
    "presence_penalty": 0.0,
    "frequency_penalty": 0.0,
    "repetition_penalty": 1.0,
    "repeat_penalty": 1.0,
    "seed": 0,
}
"""The likeliest token at temperature 1, with all else switched off.

All are sent, as vLLM and SGLang take what is missing from the model's generation_config and
llama.cpp from its own defaults. SGLang divides the log-probabilities of what it generates by the
temperature, so that must be 1. A server that does not know some of them draws at random, which
changes nothing but how often a guess is right."""
STRICT: Mapping[str, float] = {"temperature": 1.0, "top_p": 1.0}
"""For a server that refuses what OpenAI's completions do not have."""


class NoFigures(Exception):
    """The server answers in this dialect, and gives no log-probabilities of what it generates."""


class Abilities(Struct, frozen=True, kw_only=True):
    """What a server gives for a model, as it was asked; kept so that a list can say it."""

    ids: bool
    """Whether it takes ids; otherwise it cuts a text itself."""
    ranked: bool
    """Whether it names tokens by their ids; otherwise by their texts, which several can share."""
    listed: int
    prompt: bool
    """Whether it gives the probabilities of the tokens of a prompt."""
    start: int | None = None
    """The token with which a prompt must begin for that; None if it may begin with any."""
    context: int | None = None
    neutral: bool = True
    """Whether it takes all of `NEUTRAL`."""

    def unable(self) -> list[Words]:
        """What it cannot give, in words."""
        found: list[Words] = [Message.of("server.listed", count=self.listed)]
        found.append(Message.of("server.no_states"))
        if not self.prompt:
            found.append(Message.of("server.no_prompt"))
        if self.start is not None:
            found.append(Message.of("server.needs_start"))
        if not self.ranked:
            found.append(Message.of("server.texts"))
        if not self.ids:
            found.append(Message.of("server.no_ids"))
        return found


@dataclass(frozen=True)
class Place:
    """What a server says of one place in a text.

    `token` is the one that is there, drawn or read; None where its text fits several. `top` are the
    likeliest by id, without those whose text fits several; `hidden` says whether any was left out.
    """

    token: int | None
    logprob: float | None
    text: str = ""
    """How the server names it, where it names tokens by texts."""
    top: Mapping[int, float] = field(default_factory=dict)
    hidden: bool = False
    best: float | None = None
    """The log-probability of the likeliest, whether or not its text fits several."""
    best_hidden: bool = False
    """Whether that one, or what the server itself took for it, is left out."""


class Dialect(Protocol):
    """How one kind of server is asked. All methods raise what `Link.ask` raises."""

    abilities: Abilities

    def following(self, rows: Sequence[Sequence[int]], top: int) -> Sequence[Place | None]:
        """What may follow each row; None where the server stopped and said nothing of it."""

    def stream(self, ids: Sequence[int], top: int, count: int) -> Iterator[Place]:
        """What may follow these ids, and then what the server drew, up to `count` places."""

    def read(
        self, rows: Sequence[Sequence[int]], top: int
    ) -> Iterator[tuple[int, list[Place | None]]]:
        """The place of every id of each row, by the row's number as they come, and the one after.

        None where the server says nothing: at least for the first id.
        """

    def agrees(self, text: str, ids: Sequence[int]) -> bool | None:
        """Whether the server cuts a text into these ids; None where it does not show it."""


K = TypeVar("K")


def possible(top: Mapping[K, float]) -> dict[K, float]:
    """Without what a list says is impossible: vLLM's `FLOOR`, or llama-server's least float32."""
    return {name: value for name, value in top.items() if value > FLOOR}


def sound(place: Place, wanted: int, server: str) -> Place:
    """A place whose figures can be probabilities.

    Raises:
        EngineError: ``unable``, for NaN or a figure above 0, or probabilities of more than 1
            together, or a list of one token where more were asked for: as llama-server reports of
            what it guessed by speculation (ggml-org/llama.cpp#27972).
    """
    own = [] if place.logprob is None or place.token in place.top else [place.logprob]
    found = [*place.top.values(), *own]
    if any(math.isnan(value) or value > EXCESS for value in found):
        raise refusal("unable", "server_unsound", server=server)
    total = math.fsum(math.exp(value) for value in found)
    lone = wanted > 1 and len(found) < 2 and not place.hidden
    if total > 1 + EXCESS or lone:
        raise refusal("unable", "server_unsound", server=server)
    return place

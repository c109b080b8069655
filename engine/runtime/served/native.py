"""The dialect of llama-server's own route, `/completion`, which takes ids and answers with ids.

It gives no probabilities of a prompt. Of a token that ends within a character it says nothing; what
it says of the next one must not be taken for that.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

from msgspec import Struct

from engine.errors import refusal
from engine.interfaces import Tokenizer
from engine.runtime.served.dialect import (
    NEUTRAL,
    WANTED,
    Abilities,
    NoFigures,
    Place,
    possible,
    sound,
)
from engine.runtime.served.link import Link

FORCED = 100.0
"""What is added to the logit of a token that is to be drawn."""


class Listed(Struct, frozen=True):
    """One token of a list."""

    id: int
    logprob: float


class Drawn(Struct, frozen=True):
    """A token that was generated, and the likeliest in its place."""

    id: int
    logprob: float | None = None
    top_logprobs: list[Listed] = []


class Generated(Struct, frozen=True):
    """An answer, or a part of one that is streamed."""

    stop: bool
    tokens_predicted: int
    """How many were generated up to here."""
    completion_probabilities: list[Drawn] | None = None


class Settings(Struct, frozen=True):
    """What the server says of how it generates."""

    n_ctx: int | None = None


class Properties(Struct, frozen=True):
    """What the server says of itself."""

    default_generation_settings: Settings = Settings()


class Native:
    """A model behind that route."""

    def __init__(self, link: Link, name: str, tokenizer: Tokenizer) -> None:
        self.abilities = Abilities(ids=True, ranked=True, listed=WANTED, prompt=False)
        self._link = link
        self._url = f"{link.root}/completion"
        self._name = name
        self._tokenizer = tokenizer

    def following(self, rows: Sequence[Sequence[int]], top: int) -> Sequence[Place | None]:
        bodies = [self._body(row, top, 1) for row in rows]
        found: list[Place | None] = [None] * len(rows)
        for number, answer in self._link.ask_all(self._url, bodies, Generated):
            places = list(self._places(answer, top))
            found[number] = places[-1] if places else self._unsaid(rows[number], top)
        return found

    def stream(self, ids: Sequence[int], top: int, count: int) -> Iterator[Place]:
        body = {**self._body(ids, top, count), "stream": True}
        count = 0
        for part in self._link.stream(self._url, body, Generated):
            places = list(self._places(part, top))
            count += len(places)
            if part.stop or count != part.tokens_predicted:  # of one it said nothing
                return
            yield from places

    def read(
        self, rows: Sequence[Sequence[int]], top: int
    ) -> Iterator[tuple[int, list[Place | None]]]:
        raise refusal("unable", "server_no_prompt", server=self._link.host)

    def probe(self, ids: Sequence[int]) -> Abilities:
        """Find out what the server gives, with a prompt of a start token and two others at most.

        Raises:
            EngineError, Refused: as `Link.ask`, the latter if it has no such route.
            NoFigures: it gives no log-probabilities.
        """
        (place,) = self.following([ids], WANTED)
        if place is None:
            raise NoFigures
        context = self._link.get(f"{self._link.root}/props", Properties)
        self.abilities = Abilities(
            ids=True,
            ranked=True,
            listed=min(WANTED, len(place.top)),
            prompt=False,
            context=context.default_generation_settings.n_ctx,
        )
        return self.abilities

    def agrees(self, text: str, ids: Sequence[int]) -> bool | None:
        """Always None: see `Dialect.agrees`."""
        return None

    def _unsaid(self, ids: Sequence[int], top: int) -> Place | None:
        """What may follow ids where the server says nothing, as it drew a part of a character.

        Its figures are those before logits are changed, whichever token that makes it draw.
        """
        body = {**self._body(ids, top, 1), "logit_bias": {str(self._letter): FORCED}}
        places = list(self._places(self._link.ask(self._url, body, Generated), top))
        own = places[0].logprob if places else None
        if own is None or own > math.log(0.5):  # it was not the likeliest
            return None
        return Place(None, None, top=places[0].top)

    @cached_property
    def _letter(self) -> int:
        """A token of whole characters."""
        pieces = (
            (number, self._tokenizer.token(number)) for number in range(self._tokenizer.vocabulary)
        )
        return next(
            number for number, piece in pieces if piece.text.isascii() and piece.text.isalpha()
        )

    def _body(self, ids: Sequence[int], top: int, count: int) -> dict[str, object]:
        return {
            "model": self._name,
            "prompt": list(ids),
            "n_predict": count,
            "n_probs": top,
            "post_sampling_probs": False,
            "cache_prompt": True,
            # It would stop at an end without a word of how likely that was.
            "ignore_eos": True,
            **NEUTRAL,
        }

    def _places(self, answer: Generated, wanted: int) -> Iterator[Place]:
        for drawn in answer.completion_probabilities or []:
            top = possible({each.id: each.logprob for each in drawn.top_logprobs})
            yield sound(Place(drawn.id, drawn.logprob, top=top), wanted, self._link.host)

"""The dialect of llama-server's own route, `/completion`, which takes ids and answers with ids.

It gives no probabilities of a prompt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from engine.errors import refusal
from engine.runtime.served.dialect import NEUTRAL, WANTED, Abilities, NoFigures, Place, sound
from engine.runtime.served.link import Link


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
    completion_probabilities: list[Drawn] | None = None


class Settings(Struct, frozen=True):
    """What the server says of how it generates."""

    n_ctx: int | None = None


class Properties(Struct, frozen=True):
    """What the server says of itself."""

    default_generation_settings: Settings = Settings()


class Native:
    """A model behind that route."""

    def __init__(self, link: Link, name: str) -> None:
        self.abilities = Abilities(ids=True, ranked=True, listed=WANTED, prompt=False)
        self._link = link
        self._url = f"{link.root}/completion"
        self._name = name

    def following(self, rows: Sequence[Sequence[int]], top: int) -> Sequence[Place | None]:
        bodies = [self._body(row, top, 1) for row in rows]
        found: list[Place | None] = [None] * len(rows)
        for number, answer in self._link.ask_all(self._url, bodies, Generated):
            places = list(self._places(answer, top))
            found[number] = places[-1] if places else None
        return found

    def stream(self, ids: Sequence[int], top: int, count: int) -> Iterator[Place]:
        body = {**self._body(ids, top, count), "stream": True}
        for part in self._link.stream(self._url, body, Generated):
            yield from self._places(part, top)
            if part.stop:
                return

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
        answer = self._link.ask(self._url, self._body(ids, WANTED, 1), Generated)
        places = list(self._places(answer, WANTED))
        if not places:
            raise NoFigures
        listed = min(WANTED, len(places[-1].top))
        context = self._link.get(f"{self._link.root}/props", Properties)
        self.abilities = Abilities(
            ids=True,
            ranked=True,
            listed=listed,
            prompt=False,
            context=context.default_generation_settings.n_ctx,
        )
        return self.abilities

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
            top = {each.id: each.logprob for each in drawn.top_logprobs}
            yield sound(Place(drawn.id, drawn.logprob, top=top), wanted, self._link.host)

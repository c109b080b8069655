"""The dialect of OpenAI's completions, which vLLM, SGLang and llama-cpp-python speak."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace

from msgspec import Struct, structs

from engine.errors import EngineError, refusal
from engine.interfaces import Tokenizer
from engine.runtime.served.agreement import Agreement
from engine.runtime.served.dialect import (
    FLOOR,
    NEUTRAL,
    STRICT,
    WANTED,
    Abilities,
    NoFigures,
    Place,
    possible,
    sound,
)
from engine.runtime.served.link import Link, Refused
from engine.runtime.served.spelling import Spelling

CAPS = (WANTED, 20, 5)
"""Lengths of lists to ask for: vLLM gives 20 unless started with --max-logprobs, OpenAI 5."""
NEAR = 0.1
"""How far, in nats, a prompt's figure may be from that of the same token when it was generated;
servers compute the two by different kernels, in 16 bits."""
SAME = 1e-3
"""How far two figures of one token may be apart that the same server gives for the same text."""
TRIES = 5
"""Tokens that are tried for that comparison."""
BIAS = -100.0


class Misplaced(Exception):
    """The figures of a prompt are of other tokens than it has."""


class Logprobs(Struct, frozen=True):
    """The figures of an answer's tokens, in their order."""

    tokens: list[str] = []
    token_logprobs: list[float | None] = []
    top_logprobs: list[dict[str, float] | None] | None = None


class Choice(Struct, frozen=True):
    """One text of an answer, or the next part of it."""

    text: str = ""
    logprobs: Logprobs | None = None
    finish_reason: str | None = None
    token_ids: list[int] | None = None
    prompt_token_ids: list[int] | None = None


class Completion(Struct, frozen=True):
    """An answer, or a part of one that is streamed."""

    choices: list[Choice]


class Completions:
    """A model behind such a route."""

    def __init__(
        self,
        link: Link,
        name: str,
        tokenizer: Tokenizer,
        agreement: Agreement,
    ) -> None:
        """`probe` finds out how it is to be asked."""
        self.abilities = Abilities(ids=True, ranked=False, listed=WANTED, prompt=False)
        self._link = link
        self._url = f"{link.url}/completions"
        self._name = name
        self._tokenizer = tokenizer
        self._agreement = agreement
        self._spelling = Spelling(tokenizer)

    def following(self, rows: Sequence[Sequence[int]], top: int) -> Sequence[Place | None]:
        bodies = [self._body(row, top, 1) for row in rows]
        found: list[Place | None] = [None] * len(rows)
        for number, answer in self._link.ask_all(self._url, bodies, Completion):
            found[number] = self._last(answer, top)
        return [self._resolved(row, place, top) for row, place in zip(rows, found, strict=True)]

    def stream(self, ids: Sequence[int], top: int, count: int) -> Iterator[Place]:
        body = {**self._body(ids, top, count), "stream": True}
        for part in self._link.stream(self._url, body, Completion):
            yield from self._places(part, top)

    def read(
        self, rows: Sequence[Sequence[int]], top: int
    ) -> Iterator[tuple[int, list[Place | None]]]:
        bodies = [{**self._body(row, top, 1), "echo": True} for row in rows]
        for number, answer in self._link.ask_all(self._url, bodies, Completion):
            try:
                yield number, self._aligned(rows[number], answer, top)
            except Misplaced as error:
                raise refusal("unable", "server_other_tokens", server=self._link.host) from error

    def probe(self, ids: Sequence[int]) -> Abilities:
        """Find out what the server gives, with a prompt of a start token and two others at most.

        Raises:
            EngineError, Refused: as `Link.ask`, the latter if it refuses every way of asking.
            NoFigures: it gives no log-probabilities.
        """
        last: Refused | None = None
        ways = itertools.product((True, False), (True, False), (True, False), CAPS)
        for neutral, takes_ids, prompt, listed in ways:
            self.abilities = Abilities(
                ids=takes_ids, ranked=False, listed=listed, prompt=prompt, neutral=neutral
            )
            try:
                if not takes_ids:
                    self._agreement.text(ids)
                body = {**self._body(ids, listed, 1), "echo": prompt}
                answer = self._link.ask(self._url, body, Completion)
            except Refused as error:
                if error.status in (404, 405):
                    raise
                last = error
                continue
            return self._abilities(ids, answer)
        assert last is not None
        raise last

    def _abilities(self, ids: Sequence[int], answer: Completion) -> Abilities:
        logprobs = _choice(answer).logprobs
        if logprobs is None or not logprobs.token_logprobs or not logprobs.top_logprobs:
            raise NoFigures
        names = [*logprobs.tokens, *(logprobs.top_logprobs[-1] or {})]
        ranked = all(name.startswith("token_id:") for name in names)
        self.abilities = structs.replace(self.abilities, ranked=ranked)
        if self.abilities.prompt:
            reads = self._reads(ids)
            # The last two are a text by themselves, whether or not a start token is before them.
            start = ids[0] if len(ids) > 2 and reads and not self._reads(ids[-2:]) else None
            self.abilities = structs.replace(self.abilities, prompt=reads, start=start)
        return self.abilities

    def _reads(self, ids: Sequence[int]) -> bool:
        """Whether a prompt's figures are there, and are those that the same tokens have when they
        are generated: llama-cpp-python's are one place off after a prompt without its start token.
        """
        listed = self.abilities.listed
        place = self.following([ids], listed)[0] if self._takes(ids) else None
        if place is None:
            return False
        likeliest = sorted(place.top.items(), key=lambda pair: -pair[1])
        for number, logprob in likeliest[:TRIES]:
            if not self._takes([*ids, number]):
                continue
            body = {**self._body([*ids, number], listed, 1), "echo": True}
            try:
                places = self._aligned([*ids, number], self._asked(body), listed)
            except Misplaced:
                return False
            return _near(places[len(ids)], logprob, NEAR)
        return False

    def _takes(self, ids: Sequence[int]) -> bool:
        """Whether the server can be given these ids, if need be as a text that it cuts so."""
        try:
            return self.abilities.ids or bool(self._agreement.text(ids))
        except EngineError as error:
            if error.event.kind == "unable":
                return False
            raise

    def agrees(self, text: str, ids: Sequence[int]) -> bool | None:
        if not self.abilities.prompt:
            return None
        body = {**self._body(ids, 1, 1), "echo": True, "return_tokens_as_token_ids": False}
        del body["return_token_ids"]  # vLLM leaves the text out beside them
        spelt = _choice(self._asked(body)).text
        return spelt.startswith(text) if spelt else None

    # -------------------------------------------------------------------------- requests

    def _body(self, ids: Sequence[int], top: int, count: int) -> dict[str, object]:
        return {
            "model": self._name,
            "prompt": list(ids) if self.abilities.ids else self._agreement.text(ids),
            "max_tokens": count,
            "logprobs": top,
            "return_token_ids": True,
            "return_tokens_as_token_ids": True,
            **(NEUTRAL if self.abilities.neutral else STRICT),
        }

    def _resolved(self, ids: Sequence[int], place: Place | None, top: int) -> Place | None:
        """A place in which the likeliest token is known, if the server can be made to show it."""
        if place is None:
            return self._end(ids, top)
        return self._identified(ids, place) if place.best_hidden else place

    def _identified(self, ids: Sequence[int], place: Place) -> Place:
        """A place whose likeliest token has the text of others, such as a space, which may also be
        followed by half a character.

        With all of those but one made unlikely, the same figure comes back if it was that one.
        """
        for number in self._spelling.whole(place.text):
            others = self._spelling.all(place.text) - {number}
            bias = {"logit_bias": {str(other): BIAS for other in others}}
            again = self._last(self._asked({**self._body(ids, 1, 1), **bias}), 0)
            same = again is not None and again.text == place.text
            if same and place.logprob is not None and _near(again, place.logprob, SAME):
                found = {**place.top, number: place.logprob}
                return replace(place, token=number, top=found, best_hidden=False)
        return place

    def _end(self, ids: Sequence[int], top: int) -> Place | None:
        """The place where a server stops without saying what it drew: its likeliest is an end.

        With that end made unlikely it goes on, and reports what it would have been without that.
        """
        for end in sorted(self._tokenizer.ends):
            bias = {"logit_bias": {str(end): BIAS}}
            with suppress(Refused):
                one = self._last(self._asked({**self._body(ids, 1, 1), **bias}), 0)
                more = self._last(self._asked({**self._body(ids, top, 1), **bias}), 0)
                if one is not None and more is not None and one.best is not None:
                    found = {**more.top, end: one.best}
                    return sound(
                        Place(end, one.best, top=found, hidden=more.hidden), top, self._link.host
                    )
        return None

    def _asked(self, body: object) -> Completion:
        return self._link.ask(self._url, body, Completion)

    # --------------------------------------------------------------------------- answers

    def _last(self, answer: Completion, wanted: int) -> Place | None:
        places = self._places(answer, wanted)
        return places[-1] if places else None

    def _places(self, answer: Completion, wanted: int) -> list[Place]:
        """The places of an answer that have figures."""
        return [place for place in self._all(answer, wanted) if place is not None]

    def _all(self, answer: Completion, wanted: int) -> list[Place | None]:
        """The places of an answer; None for those without figures, as the first of a prompt."""
        choice = _choice(answer)
        logprobs = choice.logprobs
        if logprobs is None:
            return []
        tops = logprobs.top_logprobs or []
        if not len(logprobs.tokens) == len(logprobs.token_logprobs) == len(tops):
            raise refusal("network", "server_odd", url=self._link.url)
        found: list[Place | None] = []
        for text, logprob, top in zip(logprobs.tokens, logprobs.token_logprobs, tops, strict=True):
            if logprob is None or top is None:
                found.append(None)
                continue
            place = self._spelling.place(text, _floored(logprob), possible(top))
            found.append(sound(place, wanted, self._link.host))
        return found

    def _aligned(self, ids: Sequence[int], answer: Completion, wanted: int) -> list[Place | None]:
        """The places of the ids of a prompt and the one after it.

        A server may leave its start token out; then the places before are None.

        Raises:
            Misplaced: the places are not those of these ids.
        """
        choice = _choice(answer)
        places = self._all(answer, wanted)
        missing = len(ids) + 1 - len(places)
        if not 0 <= missing <= 1:
            raise Misplaced
        logprobs = choice.logprobs or Logprobs()
        spelt = map(self._spelling.token, logprobs.tokens)
        for expected, found in zip(ids[missing:], spelt, strict=False):
            if found is not None and found != expected:
                raise Misplaced
        read: list[Place | None] = [None] * missing
        for number, place in enumerate(places):
            own = number + missing
            if place is not None and own < len(ids):
                top = dict(place.top)
                if place.logprob is not None:
                    top[ids[own]] = place.logprob  # it is known, whatever its text
                place = replace(place, token=ids[own], top=top)
            read.append(place)
        return read


def _near(place: Place | None, logprob: float, limit: float) -> bool:
    found = None if place is None else place.logprob
    return found is not None and abs(found - logprob) <= limit


def _choice(answer: Completion) -> Choice:
    return answer.choices[0] if answer.choices else Choice()


def _floored(logprob: float) -> float:
    return float("-inf") if logprob <= FLOOR else logprob

"""The dialect of Ollama's own route, `/api/generate`, which takes texts and answers with texts.

It gives no probabilities of a prompt, and at most 20 alternatives. Ollama runs llama-server and
passes on what that says but for the ids, and but for every token that has no text of its own: an
end, and one that ends within a character. So an answer counts only where the numbers of tokens
that it reports, read and written, are those of its prompt and its figures; these come at its end.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from engine.errors import refusal
from engine.interfaces import Tokenizer
from engine.runtime.served.dialect import NEUTRAL, Abilities, NoFigures, Place, possible, sound
from engine.runtime.served.link import Link
from engine.runtime.served.spelling import Spelling

LISTED = 20
"""The longest list that it gives."""
AHEAD = 8
"""New tokens of one answer, which comes as a whole; more where as many are drawn again."""
AGAIN = 256
"""Tokens at most that it draws again."""
OPTIONS = {name: value for name, value in NEUTRAL.items() if name != "repetition_penalty"}
"""It warns in its log of options that it does not have."""
AT_RANDOM: Mapping[str, float] = {"top_k": LISTED, "temperature": 100.0}
"""Any of the listed, about as likely as another. Figures are those before that."""
PROBED: tuple[Mapping[str, float], ...] = ({}, {**AT_RANDOM, "seed": 1}, {**AT_RANDOM, "seed": 2})
"""Draws of one place whose figures are compared."""
TRIES = 8
"""Draws at random until one has figures."""
SAME = 1e-3
"""How far two figures of one token may be apart that the same server gives for the same text."""
BEHIND = 4
"""Tokens at the end of a text that may be cut otherwise where more text follows."""


class Listed(Struct, frozen=True):
    """One token of a list."""

    token: str
    logprob: float


class Drawn(Struct, frozen=True):
    """A token that was generated, and the likeliest in its place."""

    token: str
    logprob: float
    top_logprobs: list[Listed] = []


class Generated(Struct, frozen=True):
    """An answer."""

    done: bool
    done_reason: str = ""
    logprobs: list[Drawn] = []
    prompt_eval_count: int = 0
    """Tokens of the prompt."""
    eval_count: int = 0
    """Tokens that were generated, those without figures too."""
    context: list[int] = []
    """Ids of the prompt and what was generated, without a start token; not of a raw prompt."""


class Loaded(Struct, frozen=True):
    """A model in the server's memory."""

    name: str
    context_length: int = 0


class Processes(Struct, frozen=True):
    """The models in the server's memory."""

    models: list[Loaded] = []


class Ollama:
    """A model behind that route."""

    def __init__(self, link: Link, name: str, tokenizer: Tokenizer) -> None:
        """`probe` finds out how it is to be asked."""
        self.abilities = Abilities(ids=False, ranked=False, listed=LISTED, prompt=False)
        self._link = link
        self._url = f"{link.root}/api/generate"
        self._name = name
        self._tokenizer = tokenizer
        self._spelling = Spelling(tokenizer)
        self._begins = 0
        """Start tokens that the server puts before every text."""
        self._settled = False
        """Whether figures are the same however tokens are drawn."""

    def following(self, rows: Sequence[Sequence[int]], top: int) -> Sequence[Place | None]:
        given = [self._given(row) for row in rows]
        bodies = [self._body(text, top, again + 1) for text, again in given]
        found: list[Place | None] = [None] * len(rows)
        for number, answer in self._link.ask_all(self._url, bodies, Generated):
            again = given[number][1]
            places = self._places(rows[number], again, answer, top)
            if places:
                found[number] = places[0]
            elif not again:
                found[number] = self._end(rows[number], top)
        return found

    def stream(self, ids: Sequence[int], top: int, count: int) -> Iterator[Place]:
        text, again = self._given(ids)
        answer = self._asked(self._body(text, top, again + min(count, max(AHEAD, again))))
        yield from self._places(ids, again, answer, top)

    def read(
        self, rows: Sequence[Sequence[int]], top: int
    ) -> Iterator[tuple[int, list[Place | None]]]:
        raise refusal("unable", "server_no_prompt", server=self._link.host)

    def probe(self, ids: Sequence[int]) -> Abilities:
        """Find out what the server gives, with a prompt of two tokens.

        Raises:
            EngineError, Refused: as `Link.ask`, the latter if it has no such route.
            NoFigures: it gives no log-probabilities.
        """
        text = self._tokenizer.decode(ids[-2:])
        answers = [self._asked(self._body(text, LISTED, 1, drawing)) for drawing in PROBED]
        lists = [each.logprobs[0].top_logprobs for each in answers if each.logprobs]
        if not lists or not lists[0]:
            raise NoFigures
        self._settled = len(lists) == len(PROBED) and all(_alike(lists[0], each) for each in lists)
        self._begins = answers[0].prompt_eval_count - 2
        if self._begins not in (0, 1) or (self._begins and self._tokenizer.start is None):
            raise refusal("unable", "server_other_tokens", server=self._link.host)
        loaded = self._link.get(f"{self._link.root}/api/ps", Processes).models
        contexts = [each.context_length for each in loaded if each.name == self._name]
        self.abilities = structs.replace(
            self.abilities,
            listed=min(LISTED, len(lists[0])),
            context=next(iter(contexts), 0) or None,
        )
        return self.abilities

    def agrees(self, text: str, ids: Sequence[int]) -> bool | None:
        # Only of a prompt in a template it says how it was cut, with what was generated after it.
        body = {**self._body(text, 1, 1), "raw": False, "template": "{{ .Prompt }}", "system": ""}
        theirs = self._asked(body).context
        certain = len(ids) - BEHIND
        return theirs[:certain] == list(ids[:certain]) if theirs else None

    # -------------------------------------------------------------------------- requests

    def _given(self, ids: Sequence[int]) -> tuple[str, int]:
        """A text that the server cuts into these ids but for the last few, and how many those are.

        It has to draw those again: a model can write two tokens that are one where a text is cut.

        Raises:
            EngineError: ``unable``, if there is none.
        """
        own = list(ids[self._begins :])
        begun = self._begins == 0 or (len(ids) > 0 and ids[0] == self._tokenizer.start)
        if begun and not own:
            raise refusal("unable", "server_no_empty", server=self._link.host)
        kept = own
        while begun and kept and len(own) - len(kept) <= AGAIN:
            text = self._tokenizer.decode(kept)
            cut = [piece.id for piece in self._tokenizer.encode(text)]
            if cut == kept:
                return text, len(own) - len(kept)
            pairs = enumerate(zip(cut, kept, strict=False))
            kept = kept[: next((at for at, (a, b) in pairs if a != b), len(kept) - 1)]
        raise refusal("unable", "server_cuts_otherwise", server=self._link.host)

    def _body(
        self, text: str, top: int, count: int, drawing: Mapping[str, float] = {}
    ) -> dict[str, object]:
        return {
            "model": self._name,
            "prompt": text,
            "raw": True,
            "stream": False,
            "truncate": False,
            "logprobs": True,
            "top_logprobs": min(top, LISTED),
            # A word to stop at would hold back the text of tokens that may begin it.
            "options": {**OPTIONS, "num_predict": count, "typical_p": 1.0, "stop": [], **drawing},
        }

    def _asked(self, body: object) -> Generated:
        return self._link.ask(self._url, body, Generated)

    def _end(self, ids: Sequence[int], top: int) -> Place | None:
        """The place where the server stops without a word of what it drew, which is an end: its
        figure is that of the likeliest, which other draws report.

        None if there are several ends, as their texts do not say which of them it is.
        """
        if not self._settled or len(self._tokenizer.ends) != 1:
            return None
        (end,) = self._tokenizer.ends
        text, _ = self._given(ids)
        for seed in range(TRIES):
            body = self._body(text, top, 1, {**AT_RANDOM, "seed": seed})
            answer = self._asked(body)
            if not answer.logprobs or not answer.logprobs[0].top_logprobs:
                continue
            (place,) = self._places(ids, 0, answer, top)
            likeliest = answer.logprobs[0].top_logprobs[0].token
            if likeliest and self._spelling.token(likeliest) != end:
                return None
            assert place.best is not None, "a list has a likeliest"
            return Place(end, place.best, top={**place.top, end: place.best}, hidden=place.hidden)
        return None

    # --------------------------------------------------------------------------- answers

    def _places(
        self, ids: Sequence[int], again: int, answer: Generated, wanted: int
    ) -> list[Place]:
        """The places after ids, of which the server drew the last few again, in an answer whose
        tokens are all accounted for.

        Raises:
            EngineError: ``unable``, if they are not, or if it drew others.
        """
        before = len(ids) - again
        if answer.prompt_eval_count != before:
            raise refusal("unable", "server_cuts_otherwise", server=self._link.host)
        ended = answer.done_reason == "stop"
        if not answer.done or answer.eval_count != len(answer.logprobs) + ended:
            raise refusal("unable", "server_no_parts", server=self._link.host)
        places = [sound(self._place(drawn), wanted, self._link.host) for drawn in answer.logprobs]
        if [place.token for place in places[:again]] != list(ids[before:]):
            raise refusal("unable", "server_cuts_otherwise", server=self._link.host)
        return places[again:]

    def _place(self, drawn: Drawn) -> Place:
        # The first of those with one text is the likeliest.
        top = {each.token: each.logprob for each in reversed(drawn.top_logprobs)}
        place = self._spelling.place(drawn.token, drawn.logprob, possible(top))
        whole = self._spelling.whole(drawn.token)
        if place.token is not None or len(whole) != 1:
            return place
        # Of those with its text, it is the one that has no part of a character besides.
        (token,) = whole
        best = place.best_hidden and place.best != drawn.logprob
        known = {**place.top, token: drawn.logprob}
        return replace(place, token=token, top=known, best_hidden=best)


def _alike(one: Sequence[Listed], other: Sequence[Listed]) -> bool:
    """Whether two lists of one place have the same figures."""
    pairs = zip(one, other, strict=False)
    return all(abs(a.logprob - b.logprob) <= SAME for a, b in pairs)

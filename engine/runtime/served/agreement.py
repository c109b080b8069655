"""Whether the tokenizer here cuts texts as the server does, and how ids become a text for a server
that takes nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from engine.errors import refusal
from engine.interfaces import Tokenizer
from engine.runtime.served.link import Link, Refused

SAMPLE = "The city of 東京 has 14,000,000 people,  they say — “isn't it?”\n\tYes! 😀"
"""Words, scripts, digits and spaces that vocabularies cut differently."""


class _Token(Struct):
    id: int


class _Tokens(Struct):
    tokens: list[int | _Token]


class Agreement:
    """Compares the two tokenizers, by the server's own route for that."""

    def __init__(self, link: Link, name: str, tokenizer: Tokenizer) -> None:
        """`name` is what the server calls the model."""
        self._link = link
        self._name = name
        self._tokenizer = tokenizer
        self._route: str | None = None
        self._texts: dict[tuple[int, ...], str] = {}
        self._begins = 0

    @property
    def compared(self) -> bool:
        """Whether the server has such a route, so that `check` compared them."""
        return self._route is not None

    def check(self) -> None:
        """Compare the two on a sample, if the server has such a route.

        Raises:
            EngineError: ``unable``, if they differ; else as `Link.ask`.
        """
        ours = [piece.id for piece in self._tokenizer.encode(SAMPLE)]
        theirs = self._cut(SAMPLE)
        if theirs is None:
            return
        # Some put the start token before every text, whatever they are told.
        self._begins = len(theirs) - len(ours)
        if self._begins not in (0, 1) or theirs[self._begins :] != ours:
            raise refusal("unable", "server_other_tokens", server=self._link.host)

    def text(self, ids: Sequence[int]) -> str:
        """A text that the server cuts into just these ids, its start token included.

        Raises:
            EngineError: ``unable``, if there is none, or if the server does not say how it cuts.
        """
        if self._route is None:
            raise refusal("unable", "server_only_texts", server=self._link.host)
        given = tuple(ids)
        known = self._texts.get(given)
        if known is not None:
            return known
        for begin in (self._begins, 0):
            text = self._tokenizer.decode(given[begin:])
            if self._cut(text) == list(given):
                if len(self._texts) > 64:
                    self._texts.clear()
                self._texts[given] = text
                return text
        raise refusal("unable", "server_cuts_otherwise", server=self._link.host)

    def _cut(self, text: str) -> list[int] | None:
        """How the server cuts a text; None if it has no route for that."""
        if self._route is not None:
            return _ids(self._link.ask(self._route, self._asked(text), _Tokens))
        for url in (
            f"{self._link.root}/tokenize",
            f"{self._link.root}/extras/tokenize",
        ):
            try:
                found = self._link.ask(url, self._asked(text), _Tokens)
            except Refused:
                continue
            self._route = url
            return _ids(found)
        return None

    def _asked(self, text: str) -> dict[str, object]:
        """What is asked, by the names that vLLM and SGLang, llama-server and llama-cpp-python have
        for a text."""
        return {
            "model": self._name,
            "prompt": text,
            "content": text,
            "input": text,
            "add_special_tokens": False,
            "add_special": False,
            "parse_special": True,
        }


def _ids(found: _Tokens) -> list[int]:
    return [each if isinstance(each, int) else each.id for each in found.tokens]

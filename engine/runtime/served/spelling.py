"""Which ids a text stands for, where a server names tokens by their text alone.

Several ids may have one text: the bytes of an incomplete character are U+FFFD or nothing, and
special tokens are often nothing at all. A text that fits several ids says nothing of any of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from engine.interfaces import Tokenizer
from engine.runtime.served.dialect import Place

_AS_ID = "token_id:"


class Spelling:
    """The tokens of a vocabulary by their text."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    @cached_property
    def _ids(self) -> dict[str, list[int]]:
        found: defaultdict[str, list[int]] = defaultdict(list)
        for number in range(self._tokenizer.vocabulary):
            piece = self._tokenizer.token(number)
            for text in {_whole(piece.text), *([""] if piece.special else [])}:
                found[text].append(number)
        return dict(found)

    def token(self, text: str) -> int | None:
        """The id that has this text, or that is written as `token_id:7`; None if several have."""
        number = text.removeprefix(_AS_ID)
        if number != text and number.isascii() and number.isdigit():
            return int(number)
        ids = self._ids.get(_whole(text), [])
        return ids[0] if len(ids) == 1 else None

    def all(self, text: str) -> frozenset[int]:
        """All ids that have this text."""
        return frozenset(self._ids.get(_whole(text), []))

    def whole(self, text: str) -> list[int]:
        """Those of them that have no part of a character besides."""
        return [
            number
            for number in sorted(self.all(text))
            if text and self._tokenizer.token(number).text == text
        ]

    def place(
        self,
        text: str | None,
        logprob: float | None,
        top: Mapping[str, float],
    ) -> Place:
        """A place whose tokens are named by texts, of which the first is the one that is there."""
        named = {name: self.token(name) for name in top}
        token = None if text is None else self.token(text)
        best = max(top, key=lambda name: top[name], default=None)
        found = {
            number: top[name]
            for name, number in named.items()
            if number is not None and name in top
        }
        return Place(
            token=token,
            logprob=logprob,
            text=text or "",
            top=found,
            hidden=len(found) < len(top),
            best=None if best is None else top[best],
            best_hidden=token is None or (best is not None and named[best] is None),
        )


def _whole(text: str) -> str:
    return text.replace("\ufffd", "")

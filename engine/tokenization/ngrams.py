"""The words of an n-gram model, which are those of the text that it is trained on.

A word is a run of letters and digits, with what joins them (don't, 1,000), or one other character.
In a text most of whose letters are Japanese or Chinese, which puts no spaces between words, each
character is one. A space belongs to the word after it. Words that the text lacks are unknown;
where it has no capitals, capitals do not count.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from engine import json_files
from engine.errors import refusal
from engine.interfaces import Stream
from engine.messages import Message, Piece, Turn, Words

UNKNOWN, START, END = 0, 1, 2
"""The ids of what is no word; those of words follow."""
SPECIAL = ("<unk>", "<s>", "</s>")

_WORDS = re.compile(r"\s*(\w+(?:(?:['’.\-‐‑@·・]|(?<=\d)[,:/](?=\d))\w+)*|\S)")
_CHARACTERS = re.compile(r"\s*(\S)")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
_LETTER = re.compile(r"[^\W\d_]")


class NgramTokenizer:
    """A `Tokenizer` of words or characters."""

    unknown: int | None = UNKNOWN
    start: int | None = START
    ends: frozenset[int] = frozenset({END})
    mask: int | None = None

    def __init__(self, text: str) -> None:
        """Take the words of a text."""
        letters = len(_LETTER.findall(text))
        self.characters = letters > 0 and 2 * len(_UNSPACED.findall(text)) > letters
        self._lower = text == text.lower()
        self._pattern = _CHARACTERS if self.characters else _WORDS
        self._ids: dict[str, int] = {}
        for found in self._pattern.finditer(text):
            self._ids.setdefault(found[1], len(SPECIAL) + len(self._ids))
        self._spelling = [*SPECIAL, *self._ids]
        self.vocabulary = len(self._spelling)

    def sentences(self, text: str) -> Iterator[list[int]]:
        """The ids of each line that has words."""
        for line in text.splitlines():
            ids = [piece.id for piece in self.encode(line)]
            if ids:
                yield ids

    def encode(self, text: str) -> list[Piece]:
        """See `Tokenizer`; the others too."""
        return [
            Piece(
                self._ids.get(found[1].lower() if self._lower else found[1], UNKNOWN),
                found[0],
                found[1],
                start=found.start(),
                end=found.end(),
            )
            for found in self._pattern.finditer(text)
        ]

    def prompt(self, text: str) -> list[Piece]:
        return [self.token(START), *self.encode(text)]

    def single(self, text: str) -> list[Piece]:
        self._refuse()

    def pair(self, a: str, b: str) -> list[Piece]:
        self._refuse()

    def words(self, text: str) -> list[int | None]:
        self._refuse()

    def after(self, text: str) -> list[Piece]:
        return self.encode(text)

    def fed(self, text: str) -> list[Piece]:
        return self.prompt(text)

    def laid_out(self, text: str) -> list[Piece]:
        return self.prompt(text)

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self.token(number).text for number in ids).lstrip()

    def token(self, token_id: int) -> Piece:
        spelling = self._spelling[token_id]
        special = token_id < len(SPECIAL)
        word = token_id == UNKNOWN or (not special and (spelling[0].isalnum() or spelling in "([{"))
        spaced = word and not self.characters
        return Piece(token_id, " " * spaced + spelling, spelling, special)

    def find(self, piece: str) -> int | None:
        if piece in SPECIAL:
            return SPECIAL.index(piece)
        return self._ids.get(piece)

    def stream(self, before: Sequence[int] = ()) -> Stream:
        return _Stream(self, first=all(number < len(SPECIAL) for number in before))

    def chat(self, turns: Sequence[Turn]) -> str | None:
        return None

    def _refuse(self) -> NoReturn:
        raise refusal("unable", "ngram_left_to_right")


class _Stream:
    """Ids to text, each at once; the first word has no space before it."""

    def __init__(self, tokenizer: NgramTokenizer, *, first: bool) -> None:
        self._tokenizer = tokenizer
        self._first = first

    def push(self, token_id: int) -> str:
        text = self._tokenizer.token(token_id).text
        if self._first:
            text = text.lstrip()
        self._first = False
        return text

    def flush(self) -> str:
        return ""


def read(file: Path) -> str:
    """The text that a model is trained on.

    Raises:
        EngineError: ``broken_model`` if it cannot be read, is not UTF-8, or has no words.
    """
    why: Words = ""
    text = ""
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        why = json_files.reason(error)
    if not text.strip():
        raise refusal(
            "broken_model", "ngram_text", file=file, why=why or Message.of("reason.no_words")
        )
    return text

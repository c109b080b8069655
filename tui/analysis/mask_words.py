"""Which parts of a text are words that can be hidden behind a mask."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from unicodedata import east_asian_width

from engine.messages import MASK
from tui.analysis.scripts import letter

_RUN = re.compile(r"\S+")


@dataclass(frozen=True)
class Word:
    """A word's place in its text, `end` excluded."""

    start: int
    end: int


def words(text: str) -> list[Word]:
    """The words of a text split at spaces, each without the punctuation around it.

    A run of punctuation alone, and one that holds a mask, is a word as it stands.
    """
    return [_trim(run[0], run.start()) for run in _RUN.finditer(text)]


def unspaced(text: str) -> bool:
    """Whether a text has letters of a script that puts no spaces between words, as Japanese."""
    return any(each.isalpha() and east_asian_width(each) == "W" for each in text)


def _trim(run: str, offset: int) -> Word:
    letters = [at for at, character in enumerate(run) if letter(character)]
    if MASK in run or not letters:
        return Word(offset, offset + len(run))
    return Word(offset + letters[0], offset + letters[-1] + 1)


def hide(text: str, places: Collection[Word]) -> tuple[str, list[str | None]]:
    """Put a mask over each of these words.

    Returns the masked text, and for all its masks in order the word that each one hides, None for
    those that were there before.
    """
    masked, hidden, after = "", list[str | None](), 0
    for word in sorted(places, key=lambda word: word.start):
        before = text[after : word.start]
        hidden += [*[None] * before.count(MASK), text[word.start : word.end]]
        masked += before + MASK
        after = word.end
    rest = text[after:]
    return masked + rest, [*hidden, *[None] * rest.count(MASK)]

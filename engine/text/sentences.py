"""Splits a text into sentences with `sentencex`, each with its position in the text.

A blank line always ends a sentence; a single line break does not, as texts are often wrapped.
Imports no torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.messages import Sentence
from engine.text.coverage import foreign_share

_BLANK_LINE = re.compile(r"\n[^\S\n]*\n\s*")
_FOLLOWED = re.compile(r"[^\S\n]|[\ud800-\udfff]")
"""What the library cannot handle: it takes any space after a capital letter to be one byte wide,
and a lone surrogate is not valid UTF-8."""


def split(text: str) -> list[Sentence]:
    """The sentences of a text, in order; there is only white space between them.

    `start` and `end` count code points of `text`, and each sentence is that slice of it.
    """
    found: list[Sentence] = []
    for start, end in _paragraphs(text):
        opens = bool(found)
        for first, last in _sentences(text, start, end):
            found.append(Sentence(text[first:last], first, last, opens))
            opens = False
    return found


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """The ranges of text between blank lines."""
    # Line endings of every system are replaced at the same length, so that positions do not change.
    lines = text.replace("\r\n", " \n").replace("\r", "\n")
    start = 0
    for blank in _BLANK_LINE.finditer(lines):
        yield start, blank.start()
        start = blank.end()
    yield start, len(text)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """The ranges of the sentences in one paragraph, without the white space around them."""
    import sentencex

    plain = _FOLLOWED.sub(" ", text[start:end])
    # Abbreviations depend on the language; where Japanese ends a sentence, English does too.
    language = "en" if foreign_share(plain, ["ja"]) >= 0.5 else "ja"
    for piece in sentencex.segment(language, plain):
        last = start + len(piece)
        body = text[start:last]
        if body.strip():
            yield start + len(body) - len(body.lstrip()), start + len(body.rstrip())
        start = last

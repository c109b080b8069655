"""Where the cursor can jump to among a text's tokens: words, sentences, surprises."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Literal

from engine.messages import Token
from tui.analysis.heat import SURPRISING, bits

Leap = Literal["word", "sentence", "surprise"]

_ENDS = frozenset("。．.!?！？…\n")
_CLOSERS = frozenset("」』）)\"'”’")


def stops(tokens: Sequence[Token], leap: Leap) -> list[int]:
    """The indexes of the tokens that the cursor stops at.

    A word begins after a space, and where the kind of script changes, since Japanese has no
    spaces; so a token that begins in the middle of a word is no stop.
    """
    if leap == "surprise":
        return [n for n, token in enumerate(tokens) if bits(-token.logprob) >= SURPRISING]
    found = []
    before = ""
    for number, token in enumerate(tokens):
        begins = _sentence_begins if leap == "sentence" else _word_begins
        if token.text.strip() and begins(before, token.text):
            found.append(number)
        before = (before + token.text)[-8:]
    return found


def _word_begins(before: str, text: str) -> bool:
    if not before or before[-1].isspace() or text[0].isspace():
        return True
    return _script(before[-1]) != _script(text[0])


def _sentence_begins(before: str, text: str) -> bool:
    if not before or before.endswith("\n"):
        return True
    if text.lstrip()[0] in _CLOSERS | _ENDS:
        return False
    ended = before.rstrip().rstrip("".join(_CLOSERS))
    spaced = before[-1].isspace() or text[0].isspace()
    if not ended or ended[-1] not in _ENDS:
        return False
    # A full stop in a number or a name is followed by no space; a Japanese one needs none.
    return spaced or unicodedata.east_asian_width(ended[-1]) in "WF"


def _script(character: str) -> str:
    """A character's kind, as far as it separates words: HIRAGANA, CJK, LATIN, ... or a sign."""
    if not character.isalnum():
        return "sign"
    return "digit" if character.isdigit() else unicodedata.name(character, "?").split()[0]

"""Letters of any script, and those of Japanese as ranges for the class of a regular expression."""

from __future__ import annotations

import re
from typing import Final
from unicodedata import category

HIRAGANA: Final = r"\u3041-\u309f"
KATAKANA: Final = r"\u30a1-\u30ff"
KANJI: Final = r"\u4e00-\u9fff\u3005"
"""With the sign that repeats one."""
JAPANESE: Final = HIRAGANA + KATAKANA + KANJI

RUN: Final = f"[{KANJI}]+|[{HIRAGANA}]+|[{KATAKANA}]+"
"""A run of one of them: without spaces, the nearest thing to a word."""


def letter(character: str) -> bool:
    """Whether a character is part of a word: a letter, a digit, or a mark on one."""
    return category(character)[0] in "LMN"


_UNSPACED: Final = re.compile(rf"[{JAPANESE}\u3000-\u303f\uff01-\uff60]")


def unspaced(character: str) -> bool:
    """Whether no space is written beside it: Japanese or Chinese, punctuation included."""
    return _UNSPACED.match(character) is not None

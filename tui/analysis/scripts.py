"""The scripts of Japanese, as ranges for the character class of a regular expression."""

from __future__ import annotations

from typing import Final

HIRAGANA: Final = r"\u3041-\u309f"
KATAKANA: Final = r"\u30a1-\u30ff"
KANJI: Final = r"\u4e00-\u9fff\u3005"
"""With the sign that repeats one."""
JAPANESE: Final = HIRAGANA + KATAKANA + KANJI

RUN: Final = f"[{KANJI}]+|[{HIRAGANA}]+|[{KATAKANA}]+"
"""A run of one of them: without spaces, the nearest thing to a word."""

"""How well a model's vocabulary and languages cover a text: unknown pieces, foreign scripts."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from engine.messages import Piece

_LATIN = frozenset({"LATIN"})
_CYRILLIC = frozenset({"CYRILLIC"})
_HAN = frozenset({"CJK", "IDEOGRAPHIC"})
_SCRIPTS: dict[str, frozenset[str]] = {
    "ja": _HAN | {"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"},
    "zh": _HAN | {"BOPOMOFO"},
    "ko": frozenset({"HANGUL"}),
    **dict.fromkeys(("ru", "uk", "be", "bg", "mk"), _CYRILLIC),
    "sr": _CYRILLIC | _LATIN,
    "el": frozenset({"GREEK"}),
    **dict.fromkeys(("ar", "fa", "ur"), frozenset({"ARABIC"})),
    "he": frozenset({"HEBREW"}),
    **dict.fromkeys(("hi", "mr", "ne"), frozenset({"DEVANAGARI"})),
    "th": frozenset({"THAI"}),
    **dict.fromkeys(
        (
            *("cs", "da", "de", "en", "es", "et", "fi", "fr", "hr", "hu", "id", "is", "it", "la"),
            *("lt", "lv", "ms", "nl", "no", "pl", "pt", "ro", "sk", "sl", "sv", "sw", "tr", "vi"),
        ),
        _LATIN,
    ),
}
"""Scripts by language (ISO 639-1), as the first word of their characters' Unicode names.

Japanese text borrows Latin letters, but a model trained on Japanese alone does not understand the
languages they belong to: they count as foreign to it.
"""


def unknown_share(text: str, pieces: Iterable[Piece], unknown: int | None) -> float:
    """Share (0-1) of the text's visible characters that lie in pieces unknown to a vocabulary."""
    visible = [not character.isspace() for character in text]
    total = sum(visible)
    if unknown is None or not total:
        return 0.0
    lost = 0
    for piece in pieces:
        if piece.id == unknown and piece.start is not None and piece.end is not None:
            lost += sum(visible[piece.start : piece.end])
    return lost / total


def foreign_share(text: str, languages: Sequence[str]) -> float:
    """Share (0-1) of the text's letters in scripts that none of these languages use.

    0 if one of the languages is not in the table, as the share is then unknown.
    """
    codes = [language.partition("-")[0].lower() for language in languages]
    if not codes or any(code not in _SCRIPTS for code in codes):
        return 0.0
    own = frozenset().union(*(_SCRIPTS[code] for code in codes))
    # NFKC first: a full-width letter belongs to the script of the plain one.
    letters = [c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] == "L"]
    if not letters:
        return 0.0
    return sum(_script(letter) not in own for letter in letters) / len(letters)


def _script(letter: str) -> str:
    return unicodedata.name(letter, "").partition(" ")[0]

"""Where lines may break: at spaces, and between the letters of Japanese and Chinese."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from rich import _wrap

from tui.analysis.scripts import JAPANESE

NO_START: Final = frozenset(
    "、。，．,.・：；:;？！?!゛゜ヽヾゝゞ々ー)]}）］｝〕〉》」』】〙〗〟’”»ぁぃぅぇぉっゃゅょゎ"
    "ァィゥェォッャュョヮヵヶ…‥％%"
)
"""Japanese and Chinese lines do not begin with these ..."""
NO_END: Final = frozenset("([{（［｛〔〈《「『【〘〖〝‘“«")
"""... and do not end with these."""

_OPEN: Final = "".join(sign for sign in NO_END if not sign.isascii())
_CLOSE: Final = "".join(sign for sign in NO_START if not sign.isascii())
_UNIT: Final = re.compile(
    rf"\s*(?:[{_OPEN}]*(?:[{JAPANESE}]|[^\s{JAPANESE}{_OPEN}{_CLOSE}]+)[{_CLOSE}]*|[{_OPEN}{_CLOSE}]+)\s*"
)


def units(text: str) -> Iterator[tuple[int, int, str]]:
    """The parts of a text that stay on one line, with their places and the space after them."""
    for found in _UNIT.finditer(text):
        yield *found.span(), found[0]


def install() -> None:
    """Have Rich, and Textual by it, break lines there.

    They know only spaces: a Japanese sentence would be one word, which moves to a line of its own
    and is then cut anywhere.
    """
    _wrap.words = units

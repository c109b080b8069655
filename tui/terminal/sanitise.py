"""How text from models, files and people is drawn: the one place that makes it safe and visible.

Textual hands escape sequences on to the terminal as they are. A terminal obeys them: it can be made
to rewrite its title, its clipboard or what was printed before. So every text that somebody else
wrote passes `clean` on its way to the screen; what is stored, copied and exported stays raw.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REPLACEMENT: Final = "\ufffd"

UNSEEN: Final = (
    "\u00ad\u180e\u200b\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    "\U0001d173-\U0001d17a\U000e0000-\U000e00ff\U000e01f0-\U000e0fff"
)
"""What is drawn as nothing at all: Unicode's default ignorable characters, but for those that shape
their neighbours (joiners, variation selectors, fillers of Hangul syllables)."""
HOSTILE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f"  # C0 but tab and newline, and DEL
    "\x80-\x9f"  # C1: 0x9b alone begins a sequence
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # bidirectional controls
    "\u2028\u2029"  # line and paragraph separators, which some libraries break lines at
    "\ud800-\udfff"  # lone surrogates, which no terminal encoding can hold
    f"{UNSEEN}]"
)


_UNSEEN: Final = re.compile(f"[{UNSEEN}]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def _placeholder(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # the control pictures: ESC is drawn as one cell that names it
    if _UNSEEN.match(match[0]):
        return "\u2422"  # the picture of a blank
    return "\u2421" if code == 0x7F else REPLACEMENT


def clean(text: str) -> str:
    """The text with everything that a terminal might obey or not draw replaced by a visible mark.

    One character replaces one character, so offsets into the text stay valid. Tabs and newlines
    stay; whoever lays lines out expands and breaks at them.
    """
    return HOSTILE.sub(_placeholder, text)


def composed(text: str) -> str:
    """A text as an editor holds it: every system's line ends are newlines, half characters a mark.

    All else stays as it is; the editor draws it cleaned.
    """
    return whole(text.replace("\r\n", "\n").replace("\r", "\n"))


def whole(text: str) -> str:
    """The text with a mark for every lone surrogate, which nothing can store or send."""
    return _SURROGATE.sub(REPLACEMENT, text)


@dataclass(frozen=True)
class Glyphs:
    """The characters that drawings are made of."""

    bar: str
    """The full cell of a bar, then its fractions from the largest to the smallest."""
    track: str
    """What the unfilled part of a bar is drawn with."""
    gutter: str
    """Marks the chosen card."""
    space: str
    newline: str
    tab: str
    dot: str
    """Separates facts."""
    arrow: str
    below: str
    """There is more text below."""
    on: str
    off: str
    bookmark: str
    branch: str
    """Comes before a fork, once for each step away from the first text."""
    folded: str
    """There are forks that are not shown."""
    levels: str
    """Heights of a small bar, from nothing to the most."""
    shades: str
    """Cells of a map, from nothing to the most."""
    hidden: str
    """A cell of a map that a mask hides."""
    halves: str
    """A cell of two points above each other: none, the upper, the lower, both."""


UNICODE: Final = Glyphs(
    bar="█▉▊▋▌▍▎▏",
    track=" ",
    gutter="▌",
    space="␣",
    newline="⏎",
    tab="⇥",
    dot=" · ",
    arrow="→",
    below="↓",
    on="●",
    off="○",
    bookmark="★",
    branch="└ ",
    folded="▸ ",
    levels="▁▂▃▅▇",
    shades=" ░▒▓█",
    hidden="·",
    halves=" ▀▄█",
)
ASCII: Final = Glyphs(
    bar="#",
    track=".",
    gutter="|",
    space="_",
    newline="\\n",
    tab="\\t",
    dot=" - ",
    arrow="->",
    below="v",
    on="*",
    off="o",
    bookmark="!",
    branch="\\ ",
    folded="+ ",
    levels="_.-=#",
    shades=" .:+#",
    hidden="-",
    halves=" ^v#",
)


def token(text: str, token_id: int, glyphs: Glyphs) -> str:
    """One token on one line, its spaces and line ends made visible.

    A token that holds no whole character (part of one, in a byte-level vocabulary) is shown by its
    number, and a space other than that of the keyboard by its code.
    """
    if not text:
        return f"#{token_id}"
    marks = {" ": glyphs.space, "\n": glyphs.newline, "\t": glyphs.tab}
    for character in clean(text):
        if character.isspace():
            marks.setdefault(character, f"U+{ord(character):04X}")
    return "".join(marks.get(character, character) for character in clean(text))

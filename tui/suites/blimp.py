"""BLiMP's JSON lines (Warstadt et al. 2020): each row a good sentence and a bad one."""

from __future__ import annotations

import msgspec
from msgspec import Struct

from tui.files.text_file import utf8
from tui.strings import text
from tui.suites.sentences import Sentence
from tui.suites.suite import Item, ItemName, Suite, checked

GOOD, BAD = "sentence_good", "sentence_bad"
PREDICTION = f"(*;%{GOOD}%) < (*;%{BAD}%)"


class _Row(Struct):
    sentence_good: str
    sentence_bad: str
    UID: str = ""
    pairID: ItemName | None = None


def is_one(content: str) -> bool:
    """Whether a file's text looks like lines of such pairs: by the first of them."""
    first = next((line for line in content.split("\n") if line.strip()), "")
    return f'"{GOOD}"' in first or f'"{BAD}"' in first


def read(content: str, name: str) -> list[Suite]:
    """The suites of a file's text, one for each paradigm; `name` is that of rows without one.

    Raises:
        Unreadable: no row holds a pair.
    """
    paradigms: dict[str, list[Item]] = {}
    problems: list[str] = []
    for number, line in enumerate(content.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = _row(line)
        except ValueError as error:
            problems.append(text("suites.row", line=number, reason=error))
            continue
        pair = {GOOD: row.sentence_good, BAD: row.sentence_bad}
        item = Item(
            number if row.pairID is None else row.pairID,
            {key: Sentence(value, [1], [value], [0]) for key, value in pair.items()},
        )
        paradigms.setdefault(row.UID or name, []).append(item)
    names = {1: text("suites.sentence")}
    found = []
    for paradigm, items in (paradigms or {name: []}).items():
        found.append(checked(paradigm, [PREDICTION], names, items, problems))
        problems = []  # a row that holds no pair is of no paradigm: it is named once
    return found


def _row(line: str) -> _Row:
    """A row.

    Raises:
        ValueError: it holds no pair.
    """
    if not utf8(line):
        raise ValueError(text("suites.not_utf8"))
    try:
        row = msgspec.json.decode(line.encode(), type=_Row, strict=False)
    except msgspec.ValidationError:
        raise ValueError(text("cli.no_two_texts", first=GOOD, second=BAD)) from None
    except msgspec.DecodeError:
        raise ValueError(text("cli.no_object")) from None
    for key, value in ((GOOD, row.sentence_good), (BAD, row.sentence_bad)):
        if not value.strip():
            raise ValueError(text("suites.empty", condition=key))
    return row

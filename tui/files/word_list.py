"""Words that a person asks for: separated by commas, or a file with one per line."""

from __future__ import annotations

from collections.abc import Iterable

from tui.files import paths
from tui.files.text_file import looks_named, named


def names_file(written: str) -> bool:
    """An existing file, or what can only mean one, so that a missing file is reported."""
    return "," not in written and (looks_named(written) or named(written) is not None)


def distinct(lines: Iterable[str]) -> list[str]:
    """The words of these lines, each only once."""
    return list(dict.fromkeys(word for word in (line.strip() for line in lines) if word))


def read(written: str) -> list[str]:
    """The words asked for; perhaps none.

    Raises:
        OSError: the file cannot be read.
        UnicodeError: it is not UTF-8 text.
    """
    if not names_file(written):
        return distinct(written.split(","))
    return distinct(paths.written(written).read_text(encoding="utf-8-sig").split("\n"))

"""A file's suites, of either kind."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from tui.files import text_file
from tui.strings import text
from tui.suites import blimp, syntaxgym
from tui.suites.suite import Suite, Unreadable


@dataclass(frozen=True)
class NamedSuite:
    """A suite and where it comes from."""

    file: str
    digest: str
    """Of the file's bytes."""
    suite: Suite


def read_file(data: bytes, file: str) -> list[NamedSuite]:
    """The suites of a file, given its bytes and its name; a dash is that of standard input.

    Raises:
        Unreadable: it holds none.
    """
    try:
        content = text_file.decoded(data, "surrogateescape")
    except UnicodeError:
        raise Unreadable(text("suites.not_utf8")) from None
    digest = hashlib.sha256(data).hexdigest()
    stem = "stdin" if file == "-" else Path(file).stem
    return [NamedSuite(file, digest, suite) for suite in read(content, stem)]


def is_one(content: str, path: Path) -> bool:
    """Whether a file's text is that of a suite; the ending of its name says whether it may be."""
    if path.suffix.lower() not in (".json", ".jsonl"):
        return False
    try:
        return bool(read(content, path.stem))
    except Unreadable:
        return False


def read(content: str, name: str) -> list[Suite]:
    """The suites of a file's text, in which bytes that are no UTF-8 are lone surrogates.

    `name` is that of a suite that names none itself.

    Raises:
        Unreadable: it holds none.
    """
    if not content.strip():
        raise Unreadable(text("suites.nothing"))
    return blimp.read(content, name) if blimp.is_one(content) else [syntaxgym.read(content, name)]

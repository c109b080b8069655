"""The words that `tsuzuki fill --words` asks for."""

from __future__ import annotations

from pathlib import Path

from tui.headless.failure import Failure
from tui.headless.pair_file import read_lines
from tui.strings import text


def read_words(argument: str) -> list[str]:
    """Words with commas between them, or those of a file, one a line; each only once.

    Raises:
        Failure: there are none, or the file cannot be read (exit code 2).
    """
    lines = read_lines(argument) if _names_file(argument) else argument.split(",")
    found = list(dict.fromkeys(word for word in (line.strip() for line in lines) if word))
    if not found:
        raise Failure.usage(text("cli.no_asked_words"), text("cli.no_asked_words_hint"))
    return found


def _names_file(argument: str) -> bool:
    """A file that is there, or what can only be meant as one, so that its lack is told."""
    if "," in argument or not argument.strip():
        return False
    looks_so = argument.startswith(("/", "./", "../", "~/")) or argument.endswith((".txt", ".csv"))
    return looks_so or argument == "-" or Path(argument).is_file()

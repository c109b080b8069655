"""The words that `--words` asks for."""

from __future__ import annotations

from tui.files import word_list
from tui.headless.io.pair_file import read_lines
from tui.strings import text
from tui.terminal.exit_codes import Failure


def read_words(argument: str) -> list[str]:
    """Words with commas between them, or those of a file, one a line; each only once.

    Raises:
        Failure: there are none, or the file cannot be read (exit code 2).
    """
    from_file = argument == "-" or word_list.names_file(argument)
    found = word_list.distinct(read_lines(argument) if from_file else argument.split(","))
    if not found:
        raise Failure.usage(text("cli.no_asked_words"), text("cli.no_asked_words_hint"))
    return found

"""Where `--unigrams` gets the frequencies of words from."""

from __future__ import annotations

from tui.analysis import unigrams
from tui.analysis.unigrams import NoUnigrams, Unigrams
from tui.files import tables
from tui.files.tables import NoTable
from tui.headless.io.request import read_file
from tui.strings import text
from tui.terminal.exit_codes import Failure

_PUBLISHED = "wordfreq:"


def read(argument: str) -> Unigrams:
    """Frequencies from `wordfreq:LANGUAGE`, a list of words with counts, or a text to count.

    A list is a CSV or TSV by its ending: the first column holds the words, the second the counts.

    Raises:
        Failure: it cannot be read, or holds none (exit code 2).
    """
    try:
        if argument.startswith(_PUBLISHED):
            return unigrams.Published(argument.removeprefix(_PUBLISHED))
        content = read_file(argument)
        if argument.lower().endswith((".csv", ".tsv", ".tab")):
            return unigrams.listed(argument, _rows(content, argument))
        return unigrams.counted(argument, content.splitlines())
    except (NoUnigrams, NoTable) as error:
        raise Failure.usage(f"--unigrams {argument}: {error}") from error


def _rows(content: str, name: str) -> list[tuple[int, str, str]]:
    """The words of a list with their counts."""
    table = tables.read(content, tables.kind_of(name, content))
    if len(table.columns) < 2:
        raise NoUnigrams(text("cli.no_counts"))
    word, count = table.columns[:2]
    for row in table.rows:
        if row.reason:
            raise NoUnigrams(text("tables.row", line=row.line, reason=row.reason))
    return [(row.line, str(row.cells[word]), str(row.cells[count])) for row in table.rows]

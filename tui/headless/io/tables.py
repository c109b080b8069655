"""Commands on tables: texts from a column, every other column kept, figures in new ones."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from tui.export.table_files import About, write_file
from tui.files import paths, system_errors, tables
from tui.files.tables import Cells, Keep, NoTable, Table, Value
from tui.headless.io.output import Output
from tui.headless.io.request import read_leniently
from tui.strings import text
from tui.terminal.exit_codes import Failure

TEXTS = ("sentence", "text")
"""Columns that hold the texts where none is named."""


class Tabular(Protocol):
    """A command that can write a table."""

    @property
    def json(self) -> bool:
        """Whether to write JSON lines."""

    @property
    def csv(self) -> str | None:
        """The CSV file to write."""

    @property
    def tsv(self) -> str | None:
        """The TSV file to write."""


def add_column(parser: ArgumentParser) -> None:
    """Add the column that a table has its texts in."""
    parser.add_argument("--column", metavar="NAME", help=text("cli.option.column"))


def add_outputs(parser: ArgumentParser) -> None:
    """Add the files that a table can go to."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("--csv", metavar="FILE", help=text("cli.option.csv"))
    ways.add_argument("--tsv", metavar="FILE", help=text("cli.option.tsv"))


def read(file: str, keep: Keep = list) -> Table:
    """The table of a file, or of standard input where it is a dash.

    Raises:
        Failure: it cannot be read, or holds none (exit code 2).
    """
    content = read_leniently(file)
    try:
        return tables.read(content, tables.kind_of(file, content), keep)
    except NoTable as error:
        raise Failure.usage(f"{file}: {error}") from error


def column(table: Table, file: str, named: str | None) -> str:
    """The column of the texts.

    Raises:
        Failure: it is not there, or none is named and it is not clear which it is (exit code 2).
    """
    names = [named] if named is not None else [*TEXTS, *table.columns * (len(table.columns) == 1)]
    found = next((name for name in names if name in table.columns), None)
    if found is None:
        message = text("cli.no_column", column=named or TEXTS[0], file=file)
        raise Failure.usage(message, text("cli.columns", columns=table.columns))
    return found


def complain(file: str, line: int, reason: str, output: Output) -> None:
    """Report a row and what is wrong with it."""
    output.error(f"{file}: {text('tables.row', line=line, reason=reason)}")


def named(columns: Sequence[str], kept: Sequence[str]) -> dict[str, str]:
    """Names of new columns, none of which is that of one that is kept."""
    return {name: f"tsuzuki_{name}" if name in kept else name for name in columns}


def to_file(command: Tabular) -> bool:
    """Whether the command writes a file."""
    return bool(command.csv or command.tsv)


def write(
    command: Tabular,
    output: Output,
    kept: Sequence[str],
    new: Sequence[str],
    rows: Iterable[tuple[Cells, Mapping[str, Value]]],
    description: About,
) -> None:
    """Write a table, into a file with its description beside it, or to standard output.

    Raises:
        Failure: a file cannot be written.
    """
    names = named(new, kept)
    columns = [*kept, *names.values()]

    def merged() -> Iterator[dict[str, Value]]:
        for cells, figures in rows:
            yield {**cells, **{names[key]: value for key, value in figures.items()}}

    file = command.csv or command.tsv
    if file is None:
        output.write(tables.written(columns, merged(), "jsonl" if command.json else "tsv"))
        return
    path = paths.written(file)
    try:
        write_file(path, columns, merged(), "csv" if command.csv else "tsv", description)
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: Path, error: OSError) -> Failure:
    """A file or folder that results cannot go to."""
    return Failure(text("cli.unwritable", file=path, reason=system_errors.reason(error)))

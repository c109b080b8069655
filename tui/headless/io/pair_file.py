"""Files of pairs of texts: a line is two texts with a tab between them, or a JSON object."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, islice

import msgspec

from tui.files.tables import Cells, Keep, json_cells, lines_of
from tui.files.tables import Row as TableRow
from tui.files.text_file import utf8
from tui.headless.io import tables
from tui.headless.io.output import Output
from tui.headless.io.request import read_file, read_leniently
from tui.strings import text
from tui.terminal.exit_codes import Failure

Pair = tuple[str, str]

COMMON: tuple[Pair, ...] = (
    ("a", "b"),
    ("text_a", "text_b"),
    ("text1", "text2"),
    ("sentence1", "sentence2"),
    ("sentence_1", "sentence_2"),
    ("sentence_a", "sentence_b"),
    ("first", "second"),
    ("good", "bad"),
    ("sentence_good", "sentence_bad"),
    ("good_sentence", "bad_sentence"),
    ("grammatical", "ungrammatical"),
    ("acceptable", "unacceptable"),
    ("correct", "incorrect"),
    ("sentence", "foil"),
    ("premise", "hypothesis"),
    ("context", "continuation"),
)
"""Names of two texts that are usual in files of pairs."""


@dataclass(frozen=True)
class Row:
    """A line of a file, by its number from 1: its pair, or why it holds none."""

    line: int
    pair: Pair | None
    reason: str = ""
    cells: Cells = field(default_factory=dict)
    """All cells of its line, where the file names them."""

    @property
    def complaint(self) -> str:
        """What is wrong with it, and where."""
        return text("cli.bad_pair", line=self.line, reason=self.reason)


def _read_rows(file: str, names: Sequence[Pair], output: Output, keep: Keep) -> Sequence[Row]:
    """The rows of a file, or of standard input where it is a dash; blank lines are skipped.

    `names` are those that the two texts may have in an object or in a first line that names the
    columns, the usual ones first. Such a first line is no row, and a warning says so.

    Raises:
        Failure: it cannot be read, or no line holds a pair (exit code 2).
    """
    content = (line.removesuffix("\r") for line in lines_of(read_leniently(file)))
    lines = ((number, line) for number, line in enumerate(content, 1) if line.strip())
    begun = list(islice(lines, 1))
    columns: tuple[int, int] | None = None
    header: list[str] = []
    if begun and (columns := _columns(begun[0][1], names)):
        number, first = begun.pop()
        header = [name.strip() for name in first.split("\t")]
        chosen = [header[column] for column in columns]
        output.warn(text("cli.header", line=number, first=chosen[0], second=chosen[1]))
    rows = (_row(number, line, names, columns, header) for number, line in chain(begun, lines))
    return _some(keep(rows), file, names)


def add_columns(parser: ArgumentParser) -> None:
    """Add the columns of the two texts."""
    parser.add_argument(
        "--column",
        dest="columns",
        metavar="NAME",
        action="append",
        default=[],
        help=text("cli.option.pair_columns"),
    )


def read_table(
    file: str,
    names: Sequence[Pair],
    columns: Sequence[str],
    output: Output,
    keep: Keep = list,
) -> tuple[list[str], Sequence[Row]]:
    """The columns of a file of pairs and its rows, with the cells of all columns.

    Where `columns` name those of the two texts, the file is a table. Else a CSV is read as one; of
    another file, the columns are those that a first line names, or the keys of its objects.

    Raises:
        Failure: it cannot be read, it has no such columns, or no row holds a pair (exit code 2).
    """
    if columns:
        if len(columns) != 2:
            raise Failure.usage(text("cli.two_columns"))
        table = tables.read(file, keep)
        one, other = (tables.column(table, file, name) for name in columns)
        pairs = keep(_of_table(row, one, other) for row in table.rows)
        return table.columns, _some(pairs, file, names)
    if not file.lower().endswith(".csv"):
        rows = _read_rows(file, names, output, keep)
        return list(dict.fromkeys(name for row in rows for name in row.cells)), rows
    table = tables.read(file, keep)
    places = _columns("\t".join(table.columns), names)
    if places is None:
        first, second = names[0]
        raise Failure.usage(f"{file}: {text('cli.no_two_texts', first=first, second=second)}")
    one, other = (table.columns[place] for place in places)
    pairs = keep(_of_table(row, one, other) for row in table.rows)
    return table.columns, _some(pairs, file, names)


def _some(rows: Sequence[Row], file: str, names: Sequence[Pair]) -> Sequence[Row]:
    """The rows, of which one at least holds a pair."""
    if not rows:
        raise Failure.usage(text("cli.no_pairs", file=file))
    if all(row.pair is None for row in rows):
        raise Failure.usage(rows[0].complaint, hint(names))
    return rows


def _of_table(row: TableRow, one: str, other: str) -> Row:
    a, b = row.cells.get(one), row.cells.get(other)
    if isinstance(a, str) and isinstance(b, str):
        return Row(row.line, (a, b), cells=row.cells)
    return Row(row.line, None, row.reason or text("cli.no_two_texts", first=one, second=other))


def read_lines(file: str) -> list[str]:
    """The lines of a file, or of standard input where it is a dash, without their ends.

    Raises:
        Failure: it cannot be read (exit code 2).
    """
    return [line.removesuffix("\r") for line in read_file(file).split("\n")]


def hint(names: Sequence[Pair]) -> str:
    """How a pair is written."""
    first, second = names[0]
    return text("cli.bad_pair_hint", first=first, second=second)


def _columns(line: str, names: Sequence[Pair]) -> tuple[int, int] | None:
    """Which columns hold the two texts, by a line that names them; None where it does not."""
    cells = [" ".join(cell.replace("_", " ").split()).casefold() for cell in line.split("\t")]
    for first, second in names:
        pair = first.replace("_", " "), second.replace("_", " ")
        if set(pair) <= set(cells):
            return cells.index(pair[0]), cells.index(pair[1])
    return None


def _row(
    number: int,
    line: str,
    names: Sequence[Pair],
    columns: tuple[int, int] | None,
    header: Sequence[str],
) -> Row:
    if not utf8(line):
        return Row(number, None, text("tables.not_utf8"))
    try:
        if line.lstrip().startswith("{"):
            return Row(number, _object(line, names), cells=json_cells(line))
        pair = _cells(line, columns)
        cells: Cells = dict(
            zip(header or names[0], line.split("\t") if header else pair, strict=False)
        )
        return Row(number, pair, cells=cells)
    except msgspec.DecodeError:
        return Row(number, None, text("cli.no_object"))
    except ValueError as error:
        return Row(number, None, str(error))


def _object(line: str, names: Sequence[Pair]) -> Pair:
    found = msgspec.json.decode(line.encode(), type=dict[str, object])
    for one, other in names:
        a, b = found.get(one), found.get(other)
        if isinstance(a, str) and isinstance(b, str):
            return a, b
    first, second = names[0]
    raise ValueError(text("cli.no_two_texts", first=first, second=second))


def _cells(line: str, columns: tuple[int, int] | None) -> Pair:
    cells = line.split("\t")
    if columns is None:
        if len(cells) != 2:
            raise ValueError(text("cli.not_two", count=len(cells)))
        columns = 0, 1
    if len(cells) <= max(columns):
        raise ValueError(text("cli.too_few_columns", count=len(cells)))
    return cells[columns[0]], cells[columns[1]]

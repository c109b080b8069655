"""Tables of text: CSV, TSV and JSON lines, read row by row and written for R and pandas.

Cells are quoted as in RFC 4180. A TSV is read a line at a time, and a line in which quotes are not
used like that is taken as it is. Written tables have a header, UTF-8, decimal points, TRUE and
FALSE, and NA where there is no figure.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Literal, Protocol, TypeVar

import msgspec

from tui.files.text_file import utf8
from tui.strings import text

Kind = Literal["csv", "tsv", "jsonl"]
Value = str | float | bool | msgspec.Raw | None
"""A cell; JSON that is no text stays as it was written."""
Cells = dict[str, Value]

T = TypeVar("T")

NA = "NA"

_ENDED = re.compile("[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")
"""A line with its end, whichever it is, as `csv` wants them."""

csv.field_size_limit(2**31 - 1)  # a cell can hold a text of any length


class NoTable(ValueError):
    """A text without a header or rows; its message says why, for the user."""


@dataclass(frozen=True)
class Row:
    """A row by the number of its first line, from 1: its cells by column, or why it has none."""

    line: int
    cells: Cells = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True)
class Table:
    """The columns of a table, in their order, and its rows."""

    columns: list[str]
    rows: Sequence[Row]


class Keep(Protocol):
    """What takes rows one by one, and gives all of them."""

    def __call__(self, rows: Iterable[T], /) -> Sequence[T]:
        """All rows, in their order."""


def kind_of(name: str, content: str) -> Kind:
    """What kind of table a file is: by the ending of its name, else by its first line."""
    ending = name.rpartition(".")[2].lower()
    endings: dict[str, Kind] = {"csv": "csv", "tsv": "tsv", "tab": "tsv", "jsonl": "jsonl"}
    if ending in endings:
        return endings[ending]
    first = next((line for line in lines_of(content) if line.strip()), "")
    if first.lstrip().startswith("{"):
        return "jsonl"
    return "csv" if "," in first and "\t" not in first else "tsv"


def lines_of(content: str) -> Iterator[str]:
    """The lines of a text as `split` finds them, but one by one."""
    start = 0
    while (end := content.find("\n", start)) >= 0:
        yield content[start:end]
        start = end + 1
    yield content[start:]


def read(content: str, kind: Kind, keep: Keep = list) -> Table:
    """The table of a text, in which bytes that are no UTF-8 are lone surrogates.

    Raises:
        NoTable: it has no header, or no row.
    """
    if kind == "jsonl":
        rows = keep(_objects(content))
        columns = list(dict.fromkeys(key for row in rows for key in row.cells))
    else:
        records = _lines(content) if kind == "tsv" else _records(content)
        line, header = next(records, (0, None))
        if header is None:
            raise NoTable(text("tables.empty"))
        if isinstance(header, str):
            raise NoTable(text("tables.row", line=line, reason=header))
        columns = [name.strip() for name in header]
        twice = next((name for name in columns if columns.count(name) > 1), None)
        if twice is not None:
            raise NoTable(text("tables.column_twice", column=twice))
        rows = keep(_row(line, columns, cells) for line, cells in records)
    if not rows:
        raise NoTable(text("tables.empty"))
    return Table(columns, rows)


def written(columns: Sequence[str], rows: Iterable[Mapping[str, Value]], kind: Kind) -> str:
    """A table as text; a column that a row lacks is NA there."""
    return "".join(lines(columns, rows, kind))


def lines(columns: Sequence[str], rows: Iterable[Mapping[str, Value]], kind: Kind) -> Iterator[str]:
    """The same line by line, for tables that are too long to be one text."""
    if kind == "jsonl":
        for row in rows:
            line = msgspec.json.encode({key: row.get(key) for key in columns})
            yield f"{line.decode()}\n"
        return
    delimiter = "\t" if kind == "tsv" else ","
    records = ([_cell(row.get(key)) for key in columns] for row in rows)
    for record in chain([columns], records):
        yield f"{delimiter.join(_quoted(cell, delimiter) for cell in record)}\n"


def _quoted(cell: str, delimiter: str) -> str:
    """A cell in quotes, if it needs some; `csv` leaves out those of a lone carriage return."""
    if cell and not any(sign in cell for sign in (delimiter, '"', "\n", "\r")):
        return cell
    inner = cell.replace('"', '""')
    return f'"{inner}"'


def _cell(value: Value) -> str:
    if value is None:
        return NA
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, msgspec.Raw):
        return bytes(value).decode()
    return value if isinstance(value, str) else repr(value)


def _row(line: int, columns: Sequence[str], cells: list[str] | str) -> Row:
    if isinstance(cells, str):
        return Row(line, reason=cells)
    if len(cells) != len(columns):
        reason = text("tables.ragged", count=len(cells), expected=len(columns))
        return Row(line, reason=reason)
    if not all(map(utf8, cells)):
        return Row(line, reason=text("tables.not_utf8"))
    return Row(line, dict(zip(columns, cells, strict=True)))


def _lines(content: str) -> Iterator[tuple[int, list[str] | str]]:
    """The cells of each line of a TSV."""
    for number, line in enumerate(lines_of(content), 1):
        own = line.removesuffix("\r")
        if own.strip():
            try:
                (cells,) = csv.reader([own], delimiter="\t", strict=True)
            except csv.Error:
                cells = own.split("\t")
            yield number, cells


def _records(content: str) -> Iterator[tuple[int, list[str] | str]]:
    """The cells of each record of a CSV, which can have several lines; or why it has none."""
    first = content.partition("\n")[0]
    # Where the comma is the decimal sign, programs write semicolons.
    delimiter = ";" if ";" in first and "," not in first else ","
    found = (match.group() for match in _ENDED.finditer(content))
    reader = csv.reader(found, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield line, text("tables.quotes")
            continue
        if any(cell.strip() for cell in cells):
            yield line, cells


def _objects(content: str) -> Iterator[Row]:
    for number, line in enumerate(lines_of(content), 1):
        if not line.strip():
            continue
        if not utf8(line):
            yield Row(number, reason=text("tables.not_utf8"))
            continue
        try:
            yield Row(number, json_cells(line))
        except (msgspec.DecodeError, RecursionError):
            yield Row(number, reason=text("tables.no_object"))


def json_cells(line: str) -> Cells:
    """The cells of a JSON object.

    Raises:
        msgspec.DecodeError: it is none.
    """
    return plain(msgspec.json.decode(line.encode(), type=dict[str, msgspec.Raw]))


def plain(found: Mapping[str, msgspec.Raw]) -> Cells:
    """The cells of an object whose values are JSON."""
    return {key: _plain(raw) for key, raw in found.items()}


def _plain(raw: msgspec.Raw) -> Value:
    data = bytes(raw)
    if data[:1] == b'"':
        return msgspec.json.decode(data, type=str)
    return None if data == b"null" else msgspec.Raw(data)

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.files import tables
from tui.files.tables import Kind, NoTable, Value


def rows(content: str, kind: Kind) -> list[tuple[int, dict[str, Value]]]:
    return [(row.line, row.cells) for row in tables.read(content, kind).rows if not row.reason]


def reasons(content: str, kind: Kind) -> list[tuple[int, str]]:
    return [(row.line, row.reason) for row in tables.read(content, kind).rows if row.reason]


def test_records_of_a_csv_can_have_several_lines_and_bad_ones_are_named() -> None:
    content = 'a,b\r\n1,"x, ""y"""\r\n2\r\n\r\n"3\r\nc",d\r\n4,"e"f\r\n5,\udc93\r\n6,g\r\n'
    assert rows(content, "csv") == [
        (2, {"a": "1", "b": 'x, "y"'}),
        (5, {"a": "3\r\nc", "b": "d"}),
        (9, {"a": "6", "b": "g"}),
    ]
    assert reasons(content, "csv") == [
        (3, "1 cells, where the first line names 2 columns"),
        (7, "the quotes of its cells do not close"),
        (8, "it is not UTF-8"),
    ]
    assert rows("a;b\n1,5;x\n", "csv") == [(2, {"a": "1,5", "b": "x"})]


def test_a_tsv_is_read_a_line_at_a_time_and_keeps_quotes_that_are_text() -> None:
    content = 'a\tb\n1\t"Hello," he said\n2\t"x\ty"\r\n3\t"open\n'
    assert rows(content, "tsv") == [
        (2, {"a": "1", "b": '"Hello," he said'}),
        (3, {"a": "2", "b": "x\ty"}),
        (4, {"a": "3", "b": '"open'}),
    ]
    content = "a\tb\n1\n1\t2\t3\n1\t2\n"
    assert reasons(content, "tsv") == [
        (2, "1 cells, where the first line names 2 columns"),
        (3, "3 cells, where the first line names 2 columns"),
    ]


def test_json_lines_may_lack_columns_and_keep_their_numbers() -> None:
    content = '{"a": 1.50, "b": "x"}\nno\n\n{"c": null, "b": "\\u00fc", "d": [1, 2]}\n"\udc93"\n'
    table = tables.read(content, "jsonl")
    assert table.columns == ["a", "b", "c", "d"]
    assert reasons(content, "jsonl") == [(2, "it is no JSON object"), (5, "it is not UTF-8")]
    good = [row.cells for row in table.rows if not row.reason]
    assert tables.written(table.columns, good, "csv") == 'a,b,c,d\n1.50,x,NA,NA\nNA,ü,NA,"[1, 2]"\n'
    lines = tables.written(table.columns, good, "jsonl").splitlines()
    assert lines[0] == '{"a":1.50,"b":"x","c":null,"d":null}'
    assert msgspec.json.decode(lines[1]) == {"a": None, "b": "ü", "c": None, "d": [1, 2]}


@pytest.mark.parametrize(
    ("content", "kind", "why"),
    [
        ("", "csv", "it has no rows"),
        ("a,b\n", "csv", "it has no rows"),
        ("", "jsonl", "it has no rows"),
        ("a\ta\n1\t2\n", "tsv", "two columns are called a"),
        ('"a,b\n1,2\n', "csv", "line 1: the quotes of its cells do not close"),
    ],
)
def test_what_is_no_table_is_refused(content: str, kind: Kind, why: str) -> None:
    with pytest.raises(NoTable, match=why):
        tables.read(content, kind)


def test_figures_are_written_for_r_and_pandas() -> None:
    cells: list[dict[str, Value]] = [{"x": 0.1, "y": True, "z": 3}, {"x": None, "y": False}]
    assert tables.written(["x", "y", "z"], cells, "tsv") == "x\ty\tz\n0.1\tTRUE\t3\nNA\tFALSE\tNA\n"


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.CSV", "", "csv"),
        ("a.tsv", "a,b", "tsv"),
        ("a.jsonl", "", "jsonl"),
        ("-", '\n{"a": 1}', "jsonl"),
        ("-", "a,b\n", "csv"),
        ("a.txt", "a\tb, c\n", "tsv"),
    ],
)
def test_the_kind_of_a_table(name: str, content: str, kind: Kind) -> None:
    assert tables.kind_of(name, content) == kind


TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.lists(st.lists(TEXT, min_size=2, max_size=2)))
def test_any_text_can_be_written_and_read_back_by_others(cells: list[list[str]]) -> None:
    content = tables.written(
        ["a", "b"], [dict(zip("ab", row, strict=True)) for row in cells], "csv"
    )
    assert list(csv.reader(io.StringIO(content, newline=""))) == [["a", "b"], *cells]

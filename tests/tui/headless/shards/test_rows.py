"""Rows on disk are the rows of the list."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.files.tables import Row, read
from tui.headless.shards.judging import BLOCK
from tui.headless.shards.rows import RowsOnDisk, keeping
from tui.terminal.exit_codes import Failure

ROWS = [Row(number, {"text": f"a {number}"}) for number in range(2 * BLOCK + 7)]


def test_every_part_is_that_of_the_list(tmp_path: Path) -> None:
    kept = RowsOnDisk(iter(ROWS), tmp_path)
    assert len(kept) == len(ROWS)
    assert list(kept) == ROWS
    assert (kept[0], kept[BLOCK], kept[len(ROWS) - 1]) == (ROWS[0], ROWS[BLOCK], ROWS[-1])
    for part in (
        slice(0, BLOCK),
        slice(BLOCK, 2 * BLOCK),
        slice(3, BLOCK + 3),
        slice(2 * BLOCK, 9 * BLOCK),
        slice(9 * BLOCK, 10 * BLOCK),
        slice(None, None, 400),
    ):
        assert kept[part] == ROWS[part]
    assert not list(tmp_path.iterdir())  # nothing is left where the program is killed


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ("n\ttext\n1\ta\r\n\n2\tb\n", "tsv"),
        ('n,text\r\n1,"a\r\nb"\n2,c\n', "csv"),
        ("n,text\r1,a\r2,b", "csv"),
        ('n,text\n1,"a\nb', "csv"),
        ('{"n": 1, "text": "a"}\n\nnone\n{"m": [2]}\n', "jsonl"),
    ],
)
def test_a_table_is_the_same_on_disk(content: str, kind: str, tmp_path: Path) -> None:
    table = read(content, kind)  # type: ignore[arg-type]
    kept = read(content, kind, keeping(str(tmp_path / "not" / "yet")))  # type: ignore[arg-type]
    assert isinstance(kept.rows, RowsOnDisk)
    assert (kept.columns, list(kept.rows)) == (table.columns, table.rows)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(Failure) as failure:
        RowsOnDisk(ROWS, tmp_path / "none")
    assert str(tmp_path / "none") in failure.value.message

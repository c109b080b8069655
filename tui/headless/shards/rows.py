"""The rows of a long file, kept on disk while they are scored."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Generic, TypeVar, overload

from tui.files import paths
from tui.files.tables import Keep
from tui.headless.io.tables import unwritable
from tui.headless.shards.judging import BLOCK

T = TypeVar("T")


def keeping(out: str | None) -> Keep:
    """How a command keeps the rows that it reads: on disk where `out` names the folder of a run."""
    if out is None:
        return list
    folder = paths.written(out)

    def kept(rows: Iterable[T]) -> Sequence[T]:
        return RowsOnDisk(rows, next(each for each in (folder, *folder.parents) if each.is_dir()))

    return kept


class RowsOnDisk(Sequence[T], Generic[T]):
    """Rows that are read once, and again from a file without a name, a block at a time."""

    def __init__(self, rows: Iterable[T], folder: Path) -> None:
        """Read the rows and put them into a file in a folder, which is gone when the process is.

        Raises:
            Failure: it cannot be written.
        """
        self._places = array("Q")
        """Where each block begins."""
        self._count = 0
        found = iter(rows)
        try:
            self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - read later
            while block := list(islice(found, BLOCK)):
                self._places.append(self._file.tell())
                pickle.dump(block, self._file, pickle.HIGHEST_PROTOCOL)
                self._count += len(block)
        except OSError as error:
            raise unwritable(folder, error) from error

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, int):
            (row,) = self[index : index + 1]
            return row
        start, stop, step = index.indices(self._count)
        blocks = range(start // BLOCK, -(-stop // BLOCK))
        rows = [row for number in blocks for row in self._block(number)]
        begin = blocks.start * BLOCK
        return rows[start - begin : stop - begin : step]

    def __iter__(self) -> Iterator[T]:
        for number in range(len(self._places)):
            yield from self._block(number)

    def _block(self, number: int) -> list[T]:
        self._file.seek(self._places[number])
        block: list[T] = pickle.load(self._file)
        return block

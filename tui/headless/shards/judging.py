"""What scores the rows of a file, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

from msgspec import Struct, structs

from tui.export.table_files import About
from tui.files.tables import Cells, Value
from tui.headless.io.session import Session

BLOCK = 500
"""Rows that are given to a model together: many enough to find others of their length.

How texts are batched changes the last digits of their figures. The rows of a file are therefore
always cut into the same blocks, whoever scores them.
"""

Row_contra = TypeVar("Row_contra", contravariant=True)


class ScoredRows(Struct, frozen=True, kw_only=True):
    """Rows that were scored, in their order."""

    about: About | None
    """What the figures were computed with; None where no row has a text."""
    columns: list[str]
    """The names of the figures."""
    rows: list[tuple[Cells, Mapping[str, Value]]]
    """The cells of a row and its figures; of one that could not be scored there are none. A row of
    the file can have several, and one that could not be read has none."""
    failed: list[tuple[int, str]]
    """The line of each row that has no figures, and why."""


class Judge(Protocol[Row_contra]):
    """Scores rows in the way that a command asks for. It is a Struct, which others can be sent."""

    @property
    def model(self) -> str:
        """The model's name."""

    def texts(self, rows: Sequence[Row_contra]) -> list[str]:
        """The texts of rows."""

    async def score(
        self, session: Session, rows: Sequence[Row_contra], progress: Callable[[int], None]
    ) -> ScoredRows:
        """Score a block of rows; `progress` is given the number of those that are done.

        Raises:
            Failure: the engine cannot, or is gone.
        """


Row = TypeVar("Row")


async def score(
    judge: Judge[Row], session: Session, rows: Sequence[Row], progress: Callable[[int], None]
) -> ScoredRows:
    """Score rows block by block; `progress` is given how many are done.

    Raises:
        Failure: the engine cannot, or is gone.
    """
    parts = []
    for first in range(0, len(rows), BLOCK):

        def further(done: int, first: int = first) -> None:
            progress(first + done)

        parts.append(await judge.score(session, rows[first : first + BLOCK], further))
    return ScoredRows(
        about=together([part.about for part in parts]),
        columns=columns(parts),
        rows=[row for part in parts for row in part.rows],
        failed=[row for part in parts for row in part.failed],
    )


def columns(parts: Iterable[ScoredRows]) -> list[str]:
    """The names of the figures in parts that follow each other."""
    return list(dict.fromkeys(name for part in parts for name in part.columns))


def together(parts: Iterable[About | None]) -> About | None:
    """What parts of a table that were computed in one way say of the whole."""
    found = [part for part in parts if part is not None]
    if not found:
        return None
    words = sorted({word for part in found for word in part.word_method})
    return structs.replace(found[0], word_method=words)

"""`tsuzuki fill` of every text in a column of a table: a row for each word at each mask."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from msgspec import Struct, structs

from engine.messages import Fill, FillResult, MaskFill, ModelInfo, WordScore
from tui.analysis.heat import bits
from tui.export.table_files import About
from tui.files.tables import Cells, Row, Value
from tui.headless.command import ShardedCommand
from tui.headless.io import tables
from tui.headless.io.masking import masked
from tui.headless.io.output import Output
from tui.headless.io.request import own_models
from tui.headless.io.session import Session
from tui.headless.shards import table as scored_table
from tui.headless.shards.judging import ScoredRows
from tui.headless.shards.rows import keeping
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure

COLUMNS = ("mask", "list", "rank", "word", "probability", "surprisal_bits")
"""What is added to the columns that are there. Masks count from 1; `list` is what the word is
among: ``candidates``, the ``hidden`` word, the ``words`` asked for, ``whole`` words of several
pieces, or a joint method, whose `rank` counts fillings and whose figures are those of all masks."""


def execute(command: ShardedCommand, numbers: Sequence[int], request: Fill, output: Output) -> Exit:
    """Fill the texts of a table as `request` fills one; `numbers` are the words to hide in each.

    A text that cannot be filled has no figures, and makes the exit code 1.
    """
    file = command.file or ""
    table = tables.read(file, keeping(command.out))
    column = tables.column(table, file, command.column)
    judge = FillJudge(file=file, column=column, numbers=list(numbers), request=request)
    # A model that the settings do not name is listed because this command names it.
    folders = own_models(request.model)
    return scored_table.execute(command, "fill", judge, table, text("cli.filling"), output, folders)


class FillJudge(Struct, frozen=True, kw_only=True):
    """Fills the masks of the texts in a column."""

    file: str
    column: str
    numbers: list[int]
    """The words to hide in each text, from 1."""
    request: Fill
    """How to fill a text; its own does not count."""

    @property
    def model(self) -> str:
        """The model's name."""
        return self.request.model

    @property
    def models(self) -> list[str]:
        """The same, as the only one."""
        return [self.model]

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """The texts of rows; a row that has none has an empty one."""
        cells = (row.cells.get(self.column) for row in rows)
        return [cell if isinstance(cell, str) else "" for cell in cells]

    async def score(
        self, session: Session, rows: Sequence[Row], progress: Callable[[int], None]
    ) -> ScoredRows:
        """Fill a block of rows.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        info = await session.find(self.model)
        failed: list[tuple[int, str]] = []
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        first: FillResult | None = None
        for number, (row, given) in enumerate(zip(rows, self.texts(rows), strict=True), 1):
            if row.reason:
                failed.append((row.line, row.reason))
                continue
            try:
                if not given.strip():
                    raise Failure.usage(text("tables.no_text", columns=[self.column]))
                filled, hidden = masked(given, self.numbers)
                asked = structs.replace(self.request, text=filled, hidden=hidden)
                result = await session.ask(asked, FillResult)
            except Failure as failure:
                if not (failure.of_text or failure.code == Exit.USAGE):
                    raise
                failed.append((row.line, failure.message))
                found.append((row.cells, {}))
                continue
            first = first or result
            found += [(row.cells, figures) for figures in _rows(result)]
            progress(number)
        return ScoredRows(
            about=None if first is None else self._about(first, info),
            columns=list(COLUMNS),
            rows=found,
            failed=failed,
        )

    def _about(self, first: FillResult, info: ModelInfo | None) -> About:
        return About(
            command="fill",
            file=self.file,
            model=first.model,
            revision="" if info is None else info.revision,
            precision=first.precision,
            weights=first.weights,
            method=first.method,
            start=None,
            unit="mask",
        )


def _rows(result: FillResult) -> Iterator[dict[str, Value]]:
    for number, mask in enumerate(result.masks, 1):
        for kind, rank, word, logprob in _words(mask):
            yield _row(number, kind, rank, word, logprob)
    for joint in result.joint:
        for rank, filling in enumerate(joint.fillings, 1):
            for number, word in enumerate(filling.words, 1):
                yield _row(number, joint.method, rank, word, filling.logprob)


def _words(mask: MaskFill) -> Iterator[tuple[str, int | None, str, float | None]]:
    """All words at a mask: their list, rank, text and log-probability."""
    for rank, candidate in enumerate(mask.candidates, 1):
        yield "candidates", rank, candidate.text, _log(candidate.prob)
    if mask.hidden is not None:
        yield "hidden", mask.hidden.rank, mask.hidden.word, _log(mask.hidden.prob)
    lists: tuple[tuple[str, list[WordScore]], ...] = (("words", mask.words), ("whole", mask.whole))
    for kind, scored in lists:
        for word in scored:
            yield kind, word.rank, word.text, word.logprob


def _log(probability: float | None) -> float | None:
    return math.log(probability) if probability else None


def _row(
    mask: int, kind: str, rank: int | None, word: str, logprob: float | None
) -> dict[str, Value]:
    probability = surprisal = None
    if logprob is not None:
        probability, surprisal = math.exp(logprob), bits(-logprob)
    cells = (mask, kind, rank, word, probability, surprisal)
    return dict(zip(COLUMNS, cells, strict=True))

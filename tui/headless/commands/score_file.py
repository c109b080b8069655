"""`tsuzuki score --file`: many pairs, answered in the order of the file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from engine.messages import PairScore, PmiResult, PrecisionChoice, ScorePairs, ScoreResult
from tui.cards.figures import judgement
from tui.export import pair_figures
from tui.export.table_files import About
from tui.files.tables import Cells, Value
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pair_file import COMMON, Row, hint, read_table
from tui.headless.io.request import given, pane_model, validated
from tui.headless.io.score_line import line
from tui.headless.io.session import Session, run
from tui.headless.schemas.pair_error import PairErrorDocument
from tui.headless.schemas.score import score_document
from tui.headless.shards.judging import BLOCK, ScoredRows
from tui.headless.shards.rows import keeping
from tui.render.verdicts import verdict
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit

if TYPE_CHECKING:
    from tui.headless.commands.score import ScoreCommand

NAMES = (("a", "b"), ("text_a", "text_b"), *COMMON)
"""What the texts are called in an object or a header."""


def execute(command: ScoreCommand, file: str, output: Output) -> Exit:
    """Score the pairs of a file. A pair that cannot be scored makes the exit code 1."""
    kept, rows = read_table(file, NAMES, command.columns, output, keeping(command.out))
    judge = PairJudge(
        file=file,
        columns=command.columns,
        model=pane_model(command, command.model, "score"),
        cosine=command.cosine,
        shuffles=command.shuffles,
        precision=command.precision,
    )
    judge.request([("", "")])  # the numbers of the command line are looked at before any row
    if command.out is not None:
        from tui.headless.shards.run import execute as in_shards  # imports asyncio

        return in_shards(command, "score", file, judge, kept, rows, output)

    async def work(session: Session) -> Exit:
        await warn(session, output, judge.model, *judge.texts(rows))
        revision = await judge.revision(session) if tables.to_file(command) else ""
        writer = _Writer(rows, command, output)
        try:
            for first in range(0, len(rows), BLOCK):
                async for index, score in judge.scores(session, rows[first : first + BLOCK]):
                    writer.add(first + index, score)
        finally:
            writer.close()
            if tables.to_file(command):
                writer.write_table(kept, file, revision)
        if writer.failed:
            output.error(text("cli.pairs_failed", count=writer.failed, total=len(rows)))
        return Exit.FAILED if writer.failed else Exit.DONE

    return run(command, output, work)


class PairJudge(Struct, frozen=True, kw_only=True):
    """Scores how well the second text of each pair continues the first."""

    file: str
    columns: list[str]
    """Those of the two texts, where they are named."""
    model: str
    cosine: bool
    shuffles: int | None
    precision: PrecisionChoice

    def request(self, pairs: list[tuple[str, str]]) -> ScorePairs:
        """What to ask.

        Raises:
            Failure: a number is out of range (exit code 2).
        """
        fields = given(
            model=self.model,
            pairs=pairs,
            cosine=self.cosine,
            shuffles=self.shuffles,
            precision=self.precision,
        )
        return validated(ScorePairs, fields)

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """Both texts of all pairs."""
        return [side for row in rows for side in row.pair or ()]

    async def revision(self, session: Session) -> str:
        """The model's revision, which is empty where it has none.

        Raises:
            Failure: the engine is gone.
        """
        info = await session.find(self.model)
        return "" if info is None else info.revision

    async def scores(
        self, session: Session, rows: Sequence[Row]
    ) -> AsyncIterator[tuple[int, PairScore]]:
        """The index and the score of each pair in a block of rows.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        good = [index for index, row in enumerate(rows) if row.pair is not None]
        if not good:
            return
        pairs = [row.pair for row in rows if row.pair is not None]
        async for event in session.events(self.request(pairs)):
            if isinstance(event, PairScore):
                yield good[event.index], event

    async def score(
        self, session: Session, rows: Sequence[Row], progress: Callable[[int], None]
    ) -> ScoredRows:
        """Score a block of rows.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        revision = await self.revision(session)
        scores: dict[int, PairScore] = {}
        async for index, each in self.scores(session, rows):
            scores[index] = each
            progress(len(scores))
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        failed: list[tuple[int, str]] = []
        first: ScoreResult | None = None
        for index, row in enumerate(rows):
            score = scores.get(index)
            if score is not None and score.result is not None:
                first = first or score.result
                found.append(
                    (row.cells, pair_figures.scores([score.result, *score.others], score.verdict))
                )
                continue
            failed.append((row.line, " ".join(_complaint(row, score))))
            found.append((row.cells, {}))
        return ScoredRows(
            about=None if first is None else _about(self.file, revision, first),
            columns=list(dict.fromkeys(name for _, figures in found for name in figures)),
            rows=[(cells, figures) for cells, figures in found if cells],
            failed=failed,
        )


class _Writer:
    """Writes each row when those before it are written, though they are scored by their length."""

    def __init__(self, rows: Sequence[Row], command: ScoreCommand, output: Output) -> None:
        self.failed = 0
        self._rows = rows
        self._command = command
        self._json = command.json and not tables.to_file(command)
        self._table: list[tuple[Row, dict[str, Value]]] = []
        """The rows of a table, where one is written."""
        self._first: ScoreResult | None = None
        self._output = output
        self._scores: dict[int, PairScore] = {}
        """Of rows that are scored and not written."""
        self._done = 0
        self._next = 0

    def add(self, index: int, score: PairScore) -> None:
        """Add the score of a row, or its error."""
        self._scores[index] = score
        self._done += 1
        self._output.status(text("cli.scoring"), f"{self._done}/{len(self._rows)}")
        while self._next < len(self._rows) and self._ready(self._next):
            self._write(self._next)
            self._next += 1

    def close(self) -> None:
        """Write what is ready, though rows before it never came."""
        for index in range(self._next, len(self._rows)):
            if self._ready(index):
                self._write(index)

    def write_table(self, kept: Sequence[str], file: str, revision: str) -> None:
        """Write the rows to the file that the command names; `revision` is that of the model."""
        first = self._first
        if first is None:
            return  # no pair could be scored, and each was named
        columns = list(dict.fromkeys(name for _, figures in self._table for name in figures))
        description = _about(file, revision, first)
        rows = [(row.cells, figures) for row, figures in self._table if row.cells]
        tables.write(self._command, self._output, kept, columns, rows, description)

    def _ready(self, index: int) -> bool:
        return index in self._scores or self._rows[index].pair is None

    def _write(self, index: int) -> None:
        row, score = self._rows[index], self._scores.pop(index, None)
        if score is None or score.result is None:
            self._fail(index, *_complaint(row, score))
        else:
            results = [score.result, *score.others]
            if tables.to_file(self._command):
                self._first = self._first or score.result
                self._table.append((row, pair_figures.scores(results, score.verdict)))
                return
            if self._json:
                self._output.document(score_document(results, score.verdict, index))
                return
            parts = [line(each) for each in results]
            if score.verdict is not None:
                parts.append(verdict(score.verdict))
            self._output.line("  ".join([str(index + 1), *parts]))

    def _fail(self, index: int, error: str, advice: str) -> None:
        self.failed += 1
        if tables.to_file(self._command):
            self._table.append((self._rows[index], {}))
            self._output.error(error)
        elif self._json:
            number = self._rows[index].line
            document = PairErrorDocument(index=index, line=number, error=error, hint=advice)
            self._output.document(document)
        else:
            self._output.line(f"{index + 1}  {error}")


def _complaint(row: Row, score: PairScore | None) -> tuple[str, str]:
    """Why a row has no score, and what to do."""
    error = None if score is None else score.error
    if error is None:
        return row.complaint, hint(NAMES)
    reason = worded(error.message)
    return text("cli.pair_failed", line=row.line, reason=reason), worded(error.hint)


def _about(file: str, revision: str, first: ScoreResult) -> About:
    """What a table of these scores says of itself, by the first of them."""
    return About(
        command="score",
        file=file,
        model=first.model,
        revision=revision,
        precision=first.precision,
        weights=first.weights,
        method=judgement(first).kind,
        start=first.start if isinstance(first, PmiResult) else None,
        unit="pair",
    )

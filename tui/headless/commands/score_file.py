"""`tsuzuki score --file`: many pairs, answered in the order of the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from engine.messages import PairScore, PmiResult, ScorePairs, ScoreResult
from tui.cards.figures import judgement
from tui.export import pair_figures
from tui.export.table_files import About
from tui.files.tables import Value
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pair_file import COMMON, Row, hint, read_table
from tui.headless.io.request import given, pane_model, validated
from tui.headless.io.score_line import line
from tui.headless.io.session import Session, run
from tui.headless.schemas.pair_error import PairErrorDocument
from tui.headless.schemas.score import score_document
from tui.render.verdicts import verdict
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit

if TYPE_CHECKING:
    from tui.headless.commands.score import ScoreCommand

AT_ONCE = 2000
"""Pairs of one request: many enough to find others of their length."""

NAMES = (("a", "b"), ("text_a", "text_b"), *COMMON)
"""What the texts are called in an object or a header."""


def execute(command: ScoreCommand, file: str, output: Output) -> Exit:
    """Score the pairs of a file. A pair that cannot be scored makes the exit code 1."""
    kept, rows = read_table(file, NAMES, command.columns, output)
    model = pane_model(command, command.model, "score")
    good = [(index, row.pair) for index, row in enumerate(rows) if row.pair is not None]
    parts = [good[first : first + AT_ONCE] for first in range(0, len(good), AT_ONCE)]
    requests = [
        validated(
            ScorePairs,
            given(
                model=model,
                pairs=[pair for _, pair in part],
                cosine=command.cosine,
                shuffles=command.shuffles,
                precision=command.precision,
            ),
        )
        for part in parts
    ]

    async def work(session: Session) -> Exit:
        await warn(session, output, model, *(side for _, pair in good for side in pair))
        info = await session.find(model) if tables.to_file(command) else None
        writer = _Writer(rows, command, output)
        try:
            for part, request in zip(parts, requests, strict=True):
                async for event in session.events(request):
                    if isinstance(event, PairScore):
                        writer.add(part[event.index][0], event)
        finally:
            writer.close()
            if tables.to_file(command):
                writer.write_table(kept, file, "" if info is None else info.revision)
        if writer.failed:
            output.error(text("cli.pairs_failed", count=writer.failed, total=len(rows)))
        return Exit.FAILED if writer.failed else Exit.DONE

    return run(command, output, work)


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
        description = About(
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
        rows = [(row.cells, figures) for row, figures in self._table if row.cells]
        tables.write(self._command, self._output, kept, columns, rows, description)

    def _ready(self, index: int) -> bool:
        return index in self._scores or self._rows[index].pair is None

    def _write(self, index: int) -> None:
        row, score = self._rows[index], self._scores.pop(index, None)
        if score is None:
            self._fail(index, row.complaint, hint(NAMES))
        elif score.error is not None:
            error = text("cli.pair_failed", line=row.line, reason=worded(score.error.message))
            self._fail(index, error, worded(score.error.hint))
        elif score.result is not None:
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

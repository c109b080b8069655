"""`tsuzuki surprisal` and `pll` of every text in a column of a table."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Literal, get_args

from engine.messages import (
    PllMethod,
    PrecisionChoice,
    ScoredBy,
    ScoreTexts,
    TextScore,
)
from tui.analysis.word_surprisal import Method
from tui.export.table_files import about
from tui.export.text_figures import COLUMNS, ScoredText, Unit
from tui.files.tables import Cells, Value
from tui.headless.command import TextCommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.session import Session, run
from tui.headless.io.text_scores import scores
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.forecast import Forecast


class TableCommand(TextCommand, frozen=True, kw_only=True):
    """A command on one text, or on every text in a column of a table."""

    column: str | None = None
    unit: Unit | None = None
    csv: str | None = None
    tsv: str | None = None

    @property
    def tabular(self) -> bool:
        """Whether FILE is a table.

        Raises:
            Failure: something is asked for that only a table has, or a table for a text that is
                in no file (exit code 2).
        """
        asked = [self.column, self.unit, self.csv, self.tsv]
        if not any(each is not None for each in asked):
            return False
        if self.file is None:
            raise Failure.usage(text("cli.table_of_file"))
        return True


def add_table(parser: ArgumentParser) -> None:
    """Add what makes a command one on a table."""
    parser.add_argument("--column", metavar="NAME", help=text("cli.option.column"))
    parser.add_argument(
        "--unit", metavar="UNIT", choices=get_args(Unit), help=text("cli.option.unit")
    )
    tables.add_outputs(parser)


def execute(
    command: TableCommand,
    name: str,
    model: str,
    precision: PrecisionChoice,
    method: Literal["causal"] | PllMethod,
    output: Output,
    *,
    start: bool = True,
) -> Exit:
    """Score the texts of a table with a model; `name` is that of the command.

    A text that cannot be scored has no figures, and makes the exit code 1.
    """
    file = command.file or ""
    table = tables.read(file)
    column = tables.column(table, file, command.column)
    rows = tables.good(table, file, output)
    unit = command.unit or "word"

    async def work(session: Session) -> Exit:
        cells = (row.cells.get(column) for row in rows)
        written = [cell if isinstance(cell, str) else "" for cell in cells]
        await warn(session, output, model, *written)
        answers: dict[int, TextScore] = {}
        by: ScoredBy | None = None
        forecast = Forecast()
        request = ScoreTexts(
            model=model, texts=written, method=method, start=start, precision=precision
        )
        async for event in scores(session, request):
            if isinstance(event, ScoredBy):
                by = event
                continue
            answers[event.index] = event
            done = forecast.count(len(answers), len(written))
            output.status(text("cli.texts_scoring"), done)
        if by is None:
            return Exit.FAILED  # no row has cells, and each is named
        failed = len(table.rows) - len(rows)
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        methods: set[Method] = set()
        for number, row in enumerate(rows):
            score = answers[number]
            if score.error is not None:
                failed += 1
                reason = worded(score.error.message, score.error.hint)
                output.error(f"{file}: {text('tables.row', line=row.line, reason=reason)}")
                found.append((row.cells, {}))
                continue
            read = ScoredText.of(written[number], score.tokens)
            methods.add(read.method)
            found += [(row.cells, figures) for figures in read.rows(unit)]
        description = about(by, name, file, unit, () if unit == "token" else methods)
        tables.write(command, output, table.columns, COLUMNS[unit], found, description)
        if failed:
            output.error(text("cli.texts_failed", count=failed, total=len(table.rows)))
        return Exit.FAILED if failed else Exit.DONE

    return run(command, output, work)

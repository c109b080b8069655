"""A command's table of texts: scored in one go, or in shards where `--out` asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tui.files.tables import Row, Table
from tui.headless.command import ShardedCommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.session import Session, run
from tui.headless.shards.judging import Judge, score
from tui.strings import text
from tui.terminal.exit_codes import Exit
from tui.terminal.forecast import Forecast


class TableJudge(Judge[Row], Protocol):
    """Scores the rows of a table."""

    @property
    def file(self) -> str:
        """The table's file."""

    @property
    def models(self) -> Sequence[str]:
        """The models that read the texts."""


def execute(
    command: ShardedCommand,
    name: str,
    judge: TableJudge,
    table: Table,
    doing: str,
    output: Output,
    folders: Sequence[str] = (),
) -> Exit:
    """Score a table's rows; one without figures makes the exit code 1.

    `name` is that of the command, `doing` what the status line says meanwhile; `folders` holds
    models to list beside those of the settings.
    """
    if command.out is not None:
        from tui.headless.shards.run import execute as in_shards  # imports asyncio

        return in_shards(command, name, judge.file, judge, table.columns, table.rows, output)

    async def work(session: Session) -> Exit:
        for each in judge.models:
            await warn(session, output, each, *judge.texts(table.rows))
        forecast = Forecast()

        def progress(done: int) -> None:
            output.status(doing, forecast.count(done, len(table.rows)))

        scored = await score(judge, session, table.rows, progress)
        for line, reason in scored.failed:
            tables.complain(judge.file, line, reason, output)
        if scored.about is not None:  # else no row has a text, and each is named
            tables.write(command, output, table.columns, scored.columns, scored.rows, scored.about)
        if scored.failed:
            count = len(scored.failed)
            output.error(text("cli.texts_failed", count=count, total=len(table.rows)))
        return Exit.FAILED if scored.failed else Exit.DONE

    return run(command, output, work, folders)

"""`tsuzuki merge`: one table of the shards in a folder."""

from __future__ import annotations

from argparse import ArgumentParser

from tui.headless.command import Subcommand
from tui.headless.io import tables
from tui.headless.io.output import Output
from tui.strings import text
from tui.terminal.exit_codes import Exit


class MergeCommand(Subcommand, frozen=True, kw_only=True):
    out: str
    csv: str | None = None
    tsv: str | None = None

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("out", metavar="DIR", help=text("cli.option.shards"))
        tables.add_outputs(parser)

    def execute(self, output: Output) -> Exit:
        # They import asyncio.
        from tui.headless.shards.folder import Folder
        from tui.headless.shards.merging import merge

        return merge(Folder.read(self.out), self, output)

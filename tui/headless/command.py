"""What every command line asks for. `args` fills these structs; those in `commands` add the rest.

A `model` of None is that of a pane, as the settings name it.
"""

from __future__ import annotations

from argparse import ArgumentParser

from msgspec import Struct

from engine.messages import PrecisionChoice
from tui.headless.io.output import Output
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure


class Command(Struct, frozen=True, kw_only=True):
    """What the app and every subcommand take."""

    config: str | None = None
    engine: str | None = None
    verbose: bool = False


class OpenApp(Command, frozen=True, kw_only=True):
    """`tsuzuki` alone."""

    model: str | None = None
    precision: PrecisionChoice | None = None
    theme: str | None = None


class Subcommand(Command, frozen=True, kw_only=True):
    """A command for scripts and pipes. Its fields are what its arguments store."""

    json: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        """Add the command's arguments to its parser, each under the name of a field."""

    def execute(self, output: Output) -> Exit:
        """Run the command.

        Raises:
            Failure: it cannot do what was asked.
        """
        raise NotImplementedError


class TextCommand(Subcommand, frozen=True, kw_only=True):
    """A command on one text, which is given in one of three ways."""

    text: str | None = None
    """As a word of the command line, which must not look like the name of a file."""
    literal: str | None = None
    """With --text: as it is, whatever it looks like."""
    file: str | None = None


class TableCommand(TextCommand, frozen=True, kw_only=True):
    """A command on one text, or on every text in a column of a table."""

    column: str | None = None
    csv: str | None = None
    tsv: str | None = None

    @property
    def asks_table(self) -> bool:
        """Whether something is asked for that only a table has."""
        return any(each is not None for each in (self.column, self.csv, self.tsv))

    @property
    def tabular(self) -> bool:
        """Whether FILE is a table.

        Raises:
            Failure: a table is asked for, and the text is in no file (exit code 2).
        """
        if self.asks_table and self.file is None:
            raise Failure.usage(text("cli.table_of_file"))
        return self.asks_table


class ShardedCommand(TableCommand, frozen=True, kw_only=True):
    """A command on a table whose rows can be scored in shards; see `options.add_shards`."""

    out: str | None = None
    shard_rows: int | None = None
    workers: int | None = None
    threads: int | None = None
    on: list[str]

    @property
    def asks_table(self) -> bool:
        """Whether something is asked for that only a table has."""
        return super().asks_table or self.out is not None

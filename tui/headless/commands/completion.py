"""`tsuzuki completion`: a shell's completion, from the definitions of the command line itself."""

from __future__ import annotations

import argparse
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Literal, get_args

import shtab
from msgspec import Struct

from tui.headless import args
from tui.headless.command import Subcommand
from tui.headless.io.output import Output
from tui.strings import text
from tui.terminal.exit_codes import Exit

Shell = Literal["bash", "zsh", "fish"]

_FILES = frozenset({"FILE", "TEXT|FILE", "LIST|FILE", "M", "MODEL"})
"""What stands for a value that can be the name of a file."""


class CompletionDocument(Struct, frozen=True):
    """`tsuzuki completion --json`."""

    shell: Shell
    script: str


class CompletionCommand(Subcommand, frozen=True, kw_only=True):
    shell: Shell

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument(
            "shell", metavar="SHELL", choices=get_args(Shell), help=text("cli.option.shell")
        )

    def execute(self, output: Output) -> Exit:
        parser = args.whole_parser()
        for action in _arguments(parser):
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
        script = shtab.complete(parser, self.shell)
        if self.json:
            output.document(CompletionDocument(self.shell, script))
        else:
            output.line(script)
        return Exit.DONE


def _arguments(parser: ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for each in action.choices.values():
                yield from _arguments(each)

"""`tsuzuki forget`: removes every session, draft and log."""

from __future__ import annotations

import sys
from argparse import ArgumentParser

from msgspec import Struct

from tui.files import paths, system_errors
from tui.headless.command import Subcommand
from tui.headless.io.output import Output
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure


class ForgetDocument(Struct, frozen=True):
    """`tsuzuki forget --json`: the files that were removed."""

    removed: list[str]


class ForgetCommand(Subcommand, frozen=True, kw_only=True):
    yes: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help=text("cli.option.unasked"))

    def execute(self, output: Output) -> Exit:
        """Run the command.

        Raises:
            Failure: it was not confirmed, a running app would write its session again, or a file
                cannot be removed.
        """
        if _in_use():
            raise Failure(text("cli.forget_in_use"), text("cli.forget_in_use_hint"))
        files = paths.kept_files()  # after the look into the sessions, which makes companions
        if files and not self.yes and not _confirmed(output):
            raise Failure(text("cli.forget_nothing"))
        for file in files:
            try:
                file.unlink(missing_ok=True)
            except OSError as error:
                reason = system_errors.reason(error)
                raise Failure(text("cli.forget_failed", path=file, reason=reason)) from error
        if self.json:
            output.document(ForgetDocument([str(file) for file in files]))
        elif not files:
            output.line(text("cli.forget_none", folder=paths.folder("state")))
        for file in [] if self.json else files:
            output.line(text("cli.forgotten", path=file))
        return Exit.DONE


def _in_use() -> bool:
    """Whether a running app has a session open."""
    from tui.history.holders import held

    return held(paths.history_file())


def _confirmed(output: Output) -> bool:
    """Ask, where somebody can answer.

    Raises:
        Failure: nobody can (exit code 2).
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Failure.usage(text("cli.forget_needs_yes"))
    output.warn(text("cli.forget_ask", folder=paths.folder("state")))
    return sys.stdin.readline().strip().casefold() in ("y", "yes")

"""`tsuzuki`: the app, and its subcommands for scripts and pipes.

What a call does not need is not imported: `--help` and a wrong option answer at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from tui.files import paths
from tui.headless import args, invocations
from tui.headless.io.output import Output
from tui.strings import text
from tui.terminal import streams
from tui.terminal.exit_codes import Exit, Failure


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line (by default the process's own) and return its exit code.

    Raises:
        SystemExit: it asked for help or for the version, which is printed.
    """
    streams.complete()
    output = Output()
    try:
        paths.check_environment()
        command = _parsed(sys.argv[1:] if arguments is None else arguments)
        output = Output(command.verbose)
        code = _execute(command, output)
        sys.stdout.flush()
    except Failure as failure:
        output.error(failure.message, failure.hint)
        return failure.code
    except paths.NoPath as error:
        output.error(str(error))
        return Exit.USAGE
    except KeyboardInterrupt:
        output.error(text("cli.interrupted"))
        return Exit.INTERRUPTED
    except BrokenPipeError:
        streams.forget(sys.stdout)
        return Exit.UNREAD
    except OSError as error:
        # What could not be written must not be tried again at exit.
        streams.forget(sys.stdout)
        output.error(_reason(error))
        return Exit.FAILED
    return code


def _parsed(arguments: Sequence[str]) -> invocations.AnyCommand:
    try:
        return args.parse(arguments)
    except SystemExit:
        sys.stdout.flush()
        raise


def _reason(error: OSError) -> str:
    """What the system says, without the name of an exception or a number."""
    if error.errno == errno.EBADF:
        return text("cli.closed_output")
    reason = error.strerror or str(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _execute(command: invocations.AnyCommand, output: Output) -> Exit:
    match command:
        case invocations.OpenApp():
            from tui import launch

            return launch.execute(command)
        case invocations.ContinueCommand():
            from tui.headless.commands import continue_

            return continue_.execute(command, output)
        case invocations.FillCommand():
            from tui.headless.commands import fill

            return fill.execute(command, output)
        case invocations.PllCommand():
            from tui.headless.commands import pll

            return pll.execute(command, output)
        case invocations.PairsCommand():
            from tui.headless.commands import pairs

            return pairs.execute(command, output)
        case invocations.ScoreCommand():
            from tui.headless.commands import score

            return score.execute(command, output)
        case invocations.DocumentCommand():
            from tui.headless.commands import document

            return document.execute(command, output)
        case invocations.SurprisalCommand():
            from tui.headless.commands import surprisal

            return surprisal.execute(command, output)
        case invocations.CompareCommand():
            from tui.headless.commands import compare

            return compare.execute(command, output)
        case invocations.ReplayCommand():
            from tui.headless.commands import replay

            return replay.execute(command, output)
        case invocations.TokensCommand():
            from tui.headless.commands import tokens

            return tokens.execute(command, output)
        case invocations.ForgetCommand():
            from tui.headless.commands import forget

            return forget.execute(command, output)
        case invocations.DoctorCommand():
            from tui.headless.commands import doctor

            return doctor.execute(command, output)
        case invocations.BenchCommand():
            from tui.headless.commands import bench

            return bench.execute(command, output)
        case (
            invocations.ModelsList()
            | invocations.ModelsInfo()
            | invocations.ModelsPull()
            | invocations.ModelsRemove()
        ):
            from tui.headless.commands import models

            return models.execute(command, output)

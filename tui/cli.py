"""`tsuzuki`: the app, and its subcommands for scripts and pipes.

What a call does not need is not imported: `--help` and a wrong option answer at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from tui import paths, streams
from tui.headless import args, commands
from tui.headless.failure import Exit, Failure
from tui.headless.output import Output
from tui.strings import text


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


def _parsed(arguments: Sequence[str]) -> commands.AnyCommand:
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


def _execute(command: commands.AnyCommand, output: Output) -> Exit:
    match command:
        case commands.OpenApp():
            from tui.headless import open_app

            return open_app.execute(command)
        case commands.ContinueCommand():
            from tui.headless import run_continue

            return run_continue.execute(command, output)
        case commands.FillCommand():
            from tui.headless import run_fill

            return run_fill.execute(command, output)
        case commands.PllCommand():
            from tui.headless import run_pll

            return run_pll.execute(command, output)
        case commands.PairsCommand():
            from tui.headless import run_pairs

            return run_pairs.execute(command, output)
        case commands.ScoreCommand():
            from tui.headless import run_score

            return run_score.execute(command, output)
        case commands.DocumentCommand():
            from tui.headless import run_document

            return run_document.execute(command, output)
        case commands.SurprisalCommand():
            from tui.headless import run_surprisal

            return run_surprisal.execute(command, output)
        case commands.CompareCommand():
            from tui.headless import run_compare

            return run_compare.execute(command, output)
        case commands.ReplayCommand():
            from tui.headless import run_replay

            return run_replay.execute(command, output)
        case commands.TokensCommand():
            from tui.headless import run_tokens

            return run_tokens.execute(command, output)
        case commands.ForgetCommand():
            from tui.headless import run_forget

            return run_forget.execute(command, output)
        case commands.DoctorCommand():
            from tui.headless import run_doctor

            return run_doctor.execute(command, output)
        case commands.BenchCommand():
            from tui.headless import run_bench

            return run_bench.execute(command, output)
        case (
            commands.ModelsList()
            | commands.ModelsInfo()
            | commands.ModelsPull()
            | commands.ModelsRemove()
        ):
            from tui.headless import run_models

            return run_models.execute(command, output)

"""`tsuzuki`: the app, and its subcommands for scripts and pipes.

What a call does not need is not imported: `--help` and a wrong option answer at once.
"""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence
from functools import partial

from tui import strings
from tui.files import paths, system_errors
from tui.headless import args
from tui.headless.command import OpenApp, Subcommand
from tui.headless.io import settings_file
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
        words = sys.argv[1:] if arguments is None else arguments
        strings.use(settings_file.language(words))
        strings.name_keys(partial(settings_file.way, words))
        command = _parsed(words)
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


def _parsed(arguments: Sequence[str]) -> OpenApp | Subcommand:
    try:
        return args.parse(arguments)
    except SystemExit:
        sys.stdout.flush()
        raise


def _reason(error: OSError) -> str:
    """The system's own message, without the name of an exception or a number."""
    if error.errno == errno.EBADF:
        return text("cli.closed_output")
    reason = system_errors.reason(error)
    return f"{error.filename}: {reason}" if error.filename else reason


def _execute(command: OpenApp | Subcommand, output: Output) -> Exit:
    if isinstance(command, Subcommand):
        return command.execute(output)
    from tui import launch

    return launch.execute(command)

"""`tsuzuki engine`: the worker, started by a tsuzuki on another machine over a byte pipe."""

from __future__ import annotations

import os
import sys
from typing import NoReturn

from tui.files import paths
from tui.headless.command import Subcommand
from tui.headless.io.output import Output
from tui.strings import text
from tui.terminal.exit_codes import Failure


class EngineCommand(Subcommand, frozen=True, kw_only=True):
    def execute(self, output: Output) -> NoReturn:
        """Become the worker, so that signals and the end of the pipe reach it.

        Raises:
            Failure: a person started it, at a terminal.
        """
        if sys.stdin.isatty():
            raise Failure.usage(text("cli.engine_at_terminal"), text("cli.engine_hint"))
        worker = [sys.executable, "-P", "-m", "engine", str(paths.store_folder())]
        os.execv(worker[0], worker)

"""The settings file that a command goes by."""

from __future__ import annotations

from pathlib import Path

from tui import settings
from tui.headless.failure import Failure
from tui.strings import text


def load(named: str | None) -> settings.Loaded:
    """Read the file that the command line names, or else the user's.

    Raises:
        Failure: the file that was named is not there (exit code 2).
    """
    path = None if named is None else Path(named).expanduser().absolute()
    if path is not None and not path.is_file():
        raise Failure.usage(text("cli.no_config", path=path))
    return settings.load(path)

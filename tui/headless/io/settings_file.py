"""The settings file of a command."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tui.files import text_file
from tui.strings import text
from tui.terminal.exit_codes import Failure

if TYPE_CHECKING:
    from tui.config.settings import Loaded


def load(named: str | None) -> Loaded:
    """Read the file that the command line names, or else the user's.

    Raises:
        Failure: the file that was named is not there (exit code 2).
    """
    from tui.config import settings

    if named is None:
        return settings.load()
    path = text_file.named(named)
    if path is None:
        raise Failure.usage(text("cli.no_config", path=named))
    return settings.load(path.absolute())

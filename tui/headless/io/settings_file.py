"""The settings file of a command."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from tui.files import text_file
from tui.strings import Choice, text
from tui.terminal.exit_codes import Failure

if TYPE_CHECKING:
    from tui.config.settings import Loaded


def language(words: Sequence[str]) -> Choice:
    """The language for a command line, before any of it is understood: `--help` is in it too."""
    from tui.config import settings

    return settings.language(_named(words))


def way(words: Sequence[str], action_id: str) -> str:
    """How to reach an action of the app, by the keys that its settings give it."""
    from tui.config import settings
    from tui.keys import keymap

    return keymap.resolve(settings.load(_named(words))).way(action_id)


def _named(words: Sequence[str]) -> Path | None:
    """The file that a command line names, as far as it is there."""
    named: str | None = None
    for word, following in pairwise([*words, ""]):
        if word == "--":
            break
        if word == "--config":
            named = following
        elif word.startswith("--config="):
            named = word.partition("=")[2]
    path = None if named is None else text_file.named(named)
    return path.absolute() if path else None


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

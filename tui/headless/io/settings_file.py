"""The settings file of a command."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from tui.files import text_file
from tui.headless.command import Command
from tui.strings import Choice, text
from tui.terminal.exit_codes import Failure

if TYPE_CHECKING:
    from pathlib import Path

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


def load(command: Command) -> Loaded:
    """Read the file that the command line names, or else the user's; its engine is the named one.

    Raises:
        Failure: the file that was named is not there (exit code 2).
    """
    from tui.config import settings

    path: Path | None = None
    if command.config is not None:
        path = text_file.named(command.config)
        if path is None:
            raise Failure.usage(text("cli.no_config", path=command.config))
    loaded = settings.load(None if path is None else path.absolute())
    if command.engine is None:
        return loaded
    return replace(loaded, settings=structs.replace(loaded.settings, engine=command.engine))

"""The command palette: every action by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial

from textual.app import SystemCommand

from tui.keys.actions import ACTIONS, Action
from tui.keys.keymap import Keymap


def commands(
    keys: Keymap, usable: Callable[[Action], bool], run: Callable[[Action], Awaitable[None]]
) -> Iterator[SystemCommand]:
    """Every action that can be run from here, its keys after its name."""
    for action in ACTIONS:
        if action.command and usable(action):
            shown = keys.shown(action.id)
            title = f"{action.title}  ({shown})" if shown else action.title
            yield SystemCommand(title, action.help, partial(run, action))

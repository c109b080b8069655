"""The command palette: every action by its name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial

from textual.app import SystemCommand
from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content

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


def choosing(entries: Iterable[tuple[str, str, Callable[[], None]]]) -> type[Provider]:
    """A palette's source: for each entry its name, a line about it, and what choosing it does."""
    listed = list(entries)

    class Entries(Provider):
        async def discover(self) -> Hits:
            """Every entry."""
            for name, about, choose in listed:
                yield DiscoveryHit(Content(name), choose, help=about)

        async def search(self, query: str) -> Hits:
            """The entries that match by name or by what is said about them."""
            matcher = self.matcher(query)
            for name, about, choose in listed:
                if (match := max(matcher.match(name), matcher.match(about))) > 0:
                    yield Hit(match, Content(name), choose, help=about)

    return Entries

"""The command palette: every action by its name, or by a word of what it does."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from functools import partial

from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.fuzzy import Matcher

from tui.keys.actions import ACTIONS, Action
from tui.keys.keymap import Keymap

Entry = tuple[str, str, Callable[[], object]]
"""The name of something to choose, a line about it, and what choosing it does."""

_ABOUT = 0.001
"""The score of what only the line about it speaks for: names come first."""


def commands(
    keys: Keymap, usable: Callable[[Action], bool], run: Callable[[Action], Awaitable[None]]
) -> Iterator[Entry]:
    """Every action that can be run from here, its keys after its name, by name."""
    for action in sorted(ACTIONS, key=lambda action: action.title):
        if action.command and usable(action):
            shown = keys.shown(action.id)
            title = f"{action.title}  ({shown})" if shown else action.title
            yield title, action.help, partial(run, action)


def palette(entries: Iterable[Entry], placeholder: str) -> CommandPalette:
    """A palette of these entries."""
    return CommandPalette([choosing(entries)], placeholder=placeholder)


def choosing(entries: Iterable[Entry]) -> type[Provider]:
    """A palette's source of these entries, which are found by name or by what is said of them."""
    listed = list(entries)

    class Entries(Provider):
        async def discover(self) -> Hits:
            """Every entry."""
            for name, about, choose in listed:
                yield DiscoveryHit(Content(name), choose, help=about)

        async def search(self, query: str) -> Hits:
            """The entries that match."""
            matcher = self.matcher(query)
            for name, about, choose in listed:
                score = matcher.match(name) or _ABOUT * (query.casefold() in about.casefold())
                if score:
                    yield Hit(score, _highlighted(matcher, name), choose, help=about)

    return Entries


def _highlighted(matcher: Matcher, name: str) -> Content:
    """A name with what matches; the matcher's own method would take brackets for markup."""
    content = Content(name)
    _, places = matcher.fuzzy_search.match(matcher.query, name)
    for place in places:
        content = content.stylize(matcher.match_style, place, place + 1)
    return content

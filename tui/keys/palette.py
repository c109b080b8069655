"""The command palette: every action by its name, and themes tried on while choosing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from typing import Protocol

from textual.app import App, SystemCommand
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.theme import ThemeProvider

from tui.keys.actions import ACTIONS, Action
from tui.keys.keymap import Keymap
from tui.strings import LANGUAGES, Language, table, text


def commands(
    keys: Keymap, usable: Callable[[Action], bool], run: Callable[[Action], Awaitable[None]]
) -> Iterator[SystemCommand]:
    """Every action that can be run from here, its keys after its name."""
    for action in ACTIONS:
        if action.command and usable(action):
            shown = keys.shown(action.id)
            title = f"{action.title}  ({shown})" if shown else action.title
            yield SystemCommand(title, action.help, partial(run, action))


class LanguageHost(Protocol):
    """The app, as far as choosing a language needs it."""

    def use_language(self, language: Language, /) -> None:
        """Write everything in this language."""


class Themes(ThemeProvider):
    """Textual's themes; their names come from the user and are never markup."""

    async def discover(self) -> Hits:
        """Every theme."""
        for name, choose in self.commands:
            yield DiscoveryHit(Content(name), choose)

    async def search(self, query: str) -> Hits:
        """The themes whose names match."""
        matcher = self.matcher(query)
        for name, choose in self.commands:
            if (match := matcher.match(name)) > 0:
                yield Hit(match, Content(name), choose)


class Languages(Provider):
    """The languages of the interface, each by its own name."""

    @property
    def _named(self) -> Iterator[tuple[str, Callable[[], None]]]:
        app: LanguageHost = self.app  # type: ignore[assignment]  # only our app offers them
        for language in LANGUAGES:
            yield table(language)["language"], partial(app.use_language, language)

    async def discover(self) -> Hits:
        """Every language."""
        for name, choose in self._named:
            yield DiscoveryHit(Content(name), choose)

    async def search(self, query: str) -> Hits:
        """The languages whose names match."""
        matcher = self.matcher(query)
        for name, choose in self._named:
            if (match := matcher.match(name)) > 0:
                yield Hit(match, Content(name), choose)


class ThemeChooser:
    """Shows each theme while it is highlighted; leaving without choosing puts the old one back."""

    def __init__(self, app: App[None], chosen: Callable[[str], None]) -> None:
        self._app = app
        self._chosen = chosen
        self._before: str | None = None
        """The theme to go back to; None while no themes are being chosen from."""

    def open(self) -> None:
        """Begin to choose."""
        self._before = self._app.theme
        self._app.push_screen(
            CommandPalette(providers=[Themes], placeholder=text("palette.themes"))
        )

    def preview(self, event: CommandPalette.OptionHighlighted) -> None:
        """Put the highlighted theme on."""
        prompt = event.highlighted_event.option.prompt
        name = getattr(prompt, "plain", str(prompt)).strip()
        if self._before is not None and name in self._app.available_themes:
            self._app.theme = name

    def closed(self, event: CommandPalette.Closed) -> None:
        """Keep what was chosen, or put the old theme back."""
        if self._before is None:
            return
        if event.option_selected:
            self._app.call_later(self._keep)
        else:
            self._app.theme = self._before
        self._before = None

    def _keep(self) -> None:
        self._chosen(self._app.theme)

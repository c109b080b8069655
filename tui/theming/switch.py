"""Offers themes in a running app, previews them and switches between them."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping

from textual.app import App
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits
from textual.content import Content
from textual.theme import Theme, ThemeProvider

from tui.strings import known, text
from tui.theming.loader import DEFAULT


def no_colour() -> bool:
    """Whether the user wants no colour at all (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


class Themes(ThemeProvider):
    """Textual's themes; their names come from the user and are never markup."""

    async def discover(self) -> Hits:
        """Every theme."""
        for name, choose in self.commands:
            yield DiscoveryHit(Content(name), choose, help=_about(name))

    async def search(self, query: str) -> Hits:
        """The themes whose names match."""
        matcher = self.matcher(query)
        for name, choose in self.commands:
            if (match := matcher.match(name)) > 0:
                yield Hit(match, Content(name), choose, help=_about(name))


def _about(name: str) -> str | None:
    """What a theme is like; nothing for one of the user's own."""
    key = f"themes.about.{name.replace('-', '_')}"
    return text(key) if known(key) else None


class ThemeSwitch:
    """Shows each theme while it is highlighted; leaving without choosing puts the old one back."""

    def __init__(self, app: App[None], chosen: Callable[[str], None]) -> None:
        """`chosen` is called with the name of a theme that the user chose."""
        self._app = app
        self._chosen = chosen
        self._before: str | None = None
        """The theme to go back to; None while no themes are being chosen from."""

    def offer(self, themes: Mapping[str, Theme]) -> None:
        """Make these the app's only themes."""
        for theme in themes.values():
            self._app.register_theme(theme)
        if self._app.theme not in themes:
            self._app.theme = DEFAULT
        for name in set(self._app.available_themes) - set(themes):
            self._app.unregister_theme(name)

    def put_on(self, name: str) -> None:
        """Change the colours, unless there is no theme of that name."""
        wanted = "no-colour" if no_colour() else name
        self._app.theme = wanted if wanted in self._app.available_themes else DEFAULT

    def open(self) -> None:
        """Begin to choose."""
        self._before = self._app.theme
        self._app.push_screen(
            CommandPalette(providers=[Themes], placeholder=text("palette.themes"))
        )

    def preview(self, event: CommandPalette.OptionHighlighted) -> None:
        """Put the highlighted theme on."""
        prompt = event.highlighted_event.option.prompt
        # Below its name is what it is like.
        name = getattr(prompt, "plain", str(prompt)).strip().partition("\n")[0]
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

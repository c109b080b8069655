"""Opening the screens over the panes, and taking in what they end with."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from tui.config import settings
from tui.files.yaml_reader import Problem, nearest
from tui.keys import keymap
from tui.strings import text
from tui.terminal.sanitise import clean

if TYPE_CHECKING:
    from tui.app import TsuzukiApp
    from tui.screens.settings import Report


class Navigation:
    """The ways from the panes to everything else. Screens are imported when first opened."""

    def __init__(self, app: TsuzukiApp) -> None:
        self._app = app

    def help(self) -> None:
        """Explain the place where the person is; a second time, close the explanation."""
        from tui.screens.help import HelpScreen, here

        app = self._app
        if isinstance(app.screen, HelpScreen):
            app.screen.dismiss(None)
        else:
            usable = partial(app.usable, app.screen)
            app.push_screen(HelpScreen(app.shared, here(app.screen), usable))

    def models(self) -> None:
        """Show the models; the one chosen there is used in the current pane."""
        from tui.screens.models import ModelsScreen

        app = self._app
        if app.at_panes:
            pane = app.panes[app.pane]
            screen = ModelsScreen(app.shared, pane.role, pane.draft.model, pane.draft.precision)
            app.push_screen(screen, pane.picked)

    def sessions(self) -> None:
        """Show earlier sessions; the one chosen there is opened."""
        from tui.screens.sessions import SessionsScreen

        app = self._app
        if app.at_panes and app.history.opened:
            app.push_screen(SessionsScreen(app.shared, app.history), app.reopen)

    def settings(self) -> None:
        """Show the settings in force."""
        from tui.screens.settings import SettingsScreen

        app = self._app
        if app.at_panes:
            app.push_screen(SettingsScreen(app.shared, self._report(), self._reread))

    def _report(self) -> Report:
        from tui.screens.settings import Report

        return Report(self._app.loaded, self.problems())

    def problems(self) -> list[Problem]:
        """Everything wrong in the files that a person wrote."""
        app = self._app
        found = [*app.loaded.problems, *app.shared.keymap.problems, *app.themes.problems]
        wanted, known = app.loaded.settings.theme, app.themes.themes
        if wanted not in known:
            message = text("themes.unknown", name=clean(wanted)) + nearest(wanted, known)
            found.append(app.loaded.problem("theme", message))
        return found

    def _reread(self) -> Report:
        """Read the settings again and put them in force, as far as a running app can."""
        app = self._app
        before = app.shared.settings.theme
        app.loaded = settings.load(app.loaded.path)
        app.shared.settings = app.loaded.settings
        app.shared.keymap = keymap.resolve(app.loaded)
        app.set_keymap(app.shared.keymap.changes())
        app.themes = app.load_themes(keep=app.loaded.settings.theme == before)
        return self._report()

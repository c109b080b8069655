"""What the user's own files say: settings, keys and themes, read together."""

from __future__ import annotations

from dataclasses import dataclass

from tui import theming
from tui.config.settings import Loaded, Settings, load
from tui.files import paths
from tui.files.yaml_reader import Problem, nearest
from tui.keys import keymap
from tui.keys.keymap import Keymap
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.theming import LoadResult


@dataclass(frozen=True)
class Preferences:
    """One reading of these files. What is wrong in one costs that value, never the start."""

    loaded: Loaded
    keymap: Keymap
    themes: LoadResult

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.loaded.settings

    def problems(self) -> list[Problem]:
        """Everything wrong in the files."""
        found = [*self.loaded.problems, *self.keymap.problems, *self.themes.problems]
        wanted, known = self.settings.theme, self.themes.themes
        if wanted not in known:
            message = text("themes.unknown", name=clean(wanted)) + nearest(wanted, known)
            found.append(self.loaded.problem("theme", message))
        return found

    def reread(self) -> Preferences:
        """Read the files again."""
        return read(load(self.loaded.path))


def read(loaded: Loaded) -> Preferences:
    """The keys and themes that go with settings as they were read."""
    themes = theming.load_builtin() | theming.load_folder(paths.themes_folder())
    return Preferences(loaded, keymap.resolve(loaded), themes)

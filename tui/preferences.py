"""What the user's own files say: settings, keys and themes, read together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import get_args

import msgspec

from engine.messages import ModelInfo, Role
from tui import theming
from tui.config.settings import Loaded, Settings, load
from tui.files import paths
from tui.files.yaml_reader import Problem, nearest
from tui.keys import keymap
from tui.keys.actions import BY_ID
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

    def in_force(self) -> dict[str, object]:
        """Every setting with the value that counts, under its name, nested as in the file.

        What was refused is not among them: a theme that is not there, keys that cannot be.
        """
        values: dict[str, object] = msgspec.to_builtins(self.settings)
        if self.refused("theme"):
            values["theme"] = Settings().theme
        values["keymap"] = {
            name: self.keymap.shown(name) for name in self.settings.keymap if name in BY_ID
        }
        return values

    def refused(self, name: str) -> bool:
        """Whether a setting that the file holds does not count."""
        return name == "theme" and self.settings.theme not in self.themes.themes

    def missing_models(self, models: Mapping[str, ModelInfo]) -> list[Problem]:
        """The models that the file names for a pane and that are not there, or cannot serve it."""
        found = []
        for role in get_args(Role):
            name, wanted = f"models.{role}", self.settings.models.of(role)
            info = models.get(wanted)
            if name not in self.loaded.marks:
                continue
            if info is None and not paths.written(wanted).exists():
                message = text("problems.no_model", name=name, model=clean(wanted))
                message += nearest(wanted, models)
            elif info is not None and role not in info.roles:
                message = text("problems.model_cannot", name=name, model=clean(wanted))
            else:
                continue
            found.append(self.loaded.problem(name, message))
        return found

    def reread(self) -> Preferences:
        """Read the files again."""
        return read(load(self.loaded.path))


def read(loaded: Loaded) -> Preferences:
    """The keys and themes that go with settings as they were read."""
    themes = theming.load_builtin() | theming.load_folder(paths.themes_folder())
    return Preferences(loaded, keymap.resolve(loaded), themes)

"""The settings in force, where their file is and what is wrong with it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from typing import ClassVar

import msgspec
from textual.app import SuspendNotSupported
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.config import settings
from tui.connection.services import Services
from tui.files import system_errors
from tui.keys.actions import bindings
from tui.preferences import Preferences
from tui.screens.base import Overlay
from tui.strings import text
from tui.terminal.sanitise import clean


class SettingsScreen(Overlay[None]):
    """Shows the settings in force; `reread` reads the files again and applies them."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("settings")]

    def __init__(
        self, shared: Services, preferences: Preferences, reread: Callable[[], Preferences]
    ) -> None:
        super().__init__(shared, text("screens.settings.title"))
        self._preferences = preferences
        self._reread = reread
        self._page = Static(markup=False)

    def body(self) -> Iterator[Widget]:
        with VerticalScroll(classes="page"):
            yield self._page

    def on_mount(self) -> None:
        """Show what is in force."""
        self.query_one(VerticalScroll).focus()
        self._show()

    def _show(self) -> None:
        self._page.update(Content("\n").join(self._lines()))

    def _lines(self) -> Iterator[Content]:
        loaded = self._preferences.loaded
        state = "there" if loaded.path.exists() else "absent"
        yield Content(clean(text(f"screens.settings.{state}", path=loaded.path)))
        models = self.shared.link.models
        for key, problems in (
            ("problems", self._preferences.problems()),
            ("models", self._preferences.missing_models(models) if models else []),
        ):
            if problems:
                yield Content("")
                yield Content.styled(text(f"screens.settings.{key}"), "bold $text-warning")
                for problem in problems:
                    yield Content(clean(f"  {problem}"))
        yield Content("")
        yield Content.styled(text("screens.settings.values"), "bold underline")
        for name, value in _flat(self._preferences.in_force()):
            given = name in loaded.marks and not self._preferences.refused(name)
            shown = clean(msgspec.json.encode(value).decode())
            note = "" if given else f"  {text('screens.settings.default')}"
            yield Content.assemble(
                (f"{name}: ", "bold" if given else ""), shown, (note, "$text-muted")
            )

    # ------------------------------------------------------------------------ actions

    def action_settings_reload(self) -> None:
        """Read the files again."""
        self._preferences = self._reread()
        self.heading(text("screens.settings.title"))  # in the language that is set now
        self._show()
        count = len(self._preferences.problems())
        key = "screens.settings.read" if not count else "screens.settings.read_with"
        self.notify(text(key, count=count), markup=False)

    def action_settings_edit(self) -> None:
        """Open the file in the user's editor, writing the commented one if there is none."""
        try:
            path = settings.create(self._preferences.loaded.path)
        except OSError as error:
            self._show_warning(
                text("screens.settings.unwritable", reason=system_errors.reason(error))
            )
            return
        editor = _editor()
        if editor is None:
            self._show_warning(text("screens.settings.no_editor", path=path))
            self._show()
            return
        try:
            with self.app.suspend():
                subprocess.run([*shlex.split(editor), str(path)], check=False)
        except (OSError, ValueError, SuspendNotSupported) as error:
            self._show_warning(
                text("screens.settings.editor", editor=editor, reason=error, path=path)
            )
        self.action_settings_reload()

    def _show_warning(self, message: str) -> None:
        self.notify(clean(message), severity="warning", markup=False)


def _editor() -> str | None:
    """The command of the user's editor: the one that is named, else the system's, else vi."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    return named or next(filter(shutil.which, ("editor", "vi")), None)


def _flat(values: dict[str, object], before: str = "") -> Iterator[tuple[str, object]]:
    """Nested values under dotted names, in the order of the settings."""
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value

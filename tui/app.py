"""The application: three panes over one engine."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.filter import LineFilter

from engine.client import Engine, EngineState
from engine.messages import Error
from tui import keymap, paths, settings
from tui.actions import bindings
from tui.cards import PANES, Pane
from tui.context import Context
from tui.display import ASCII, UNICODE, clean
from tui.drafts import FIRST
from tui.link import Connect, Link, OnEvent, OnState
from tui.panes.base import TaskPane
from tui.panes.continue_ import ContinuePane
from tui.strings import text
from tui.widgets.header import Header
from tui.widgets.hints import Hints
from tui.widgets.hostile import HostileFilter


class TsuzukiApp(App[None], inherit_bindings=False):
    """Explore language models with the keyboard."""

    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(
        self, loaded: settings.Loaded | None = None, connect: Connect | None = None
    ) -> None:
        super().__init__(ansi_color=True if os.environ.get("NO_COLOR") else None)
        loaded = settings.load() if loaded is None else loaded
        self.loaded = loaded
        own = loaded.settings
        self.keys = keymap.resolve(loaded)
        log = paths.log_file()
        self.link = Link(
            connect or partial(_start, loaded), self._engine_changed, self._engine_state
        )
        self.shared = Context(self.link, own, self.keys, ASCII if own.ascii else UNICODE)
        self.header = Header(self.shared)
        self.panes: dict[Pane, TaskPane] = {
            "continue": ContinuePane(self.shared, FIRST["continue"]),
        }
        self.pane: Pane = "continue"
        self._log_path = log
        self._hostile = HostileFilter()

    def compose(self) -> ComposeResult:
        """The header, the panes, the keys."""
        yield self.header
        with Horizontal(id="panes"):
            yield from self.panes.values()
        yield Hints(self.shared)

    def on_mount(self) -> None:
        """Show the first pane, then start the engine behind it."""
        self.set_keymap(self.keys.changes())
        self.action_show_pane("continue")
        self.call_after_refresh(self.run_worker, self._open())

    async def _open(self) -> None:
        await self.link.refresh()

    async def on_unmount(self) -> None:
        """Leave no process behind."""
        await self.link.close()

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's own filters after ours, which makes text safe."""
        return [self._hostile, *super().get_line_filters()]

    # ------------------------------------------------------------------------- engine

    def _engine_changed(self) -> None:
        if self.is_running:
            self._tell()
            for pane in self.panes.values():
                pane.label()

    def _engine_state(self, state: EngineState, error: Error | None) -> None:
        reason = clean(error.message) if error is not None else ""
        if state == "restarting":
            self.notify(text("notice.restarting", reason=reason), severity="warning", markup=False)
        elif state == "dead":
            hint = clean(error.hint) if error is not None else ""
            message = text("notice.dead", reason=reason, hint=hint)
            self.notify(message, severity="error", timeout=60, markup=False)

    def on_task_pane_changed(self, event: TaskPane.Changed) -> None:
        """Tell the speed, and save what changed."""
        self._tell()

    def _tell(self) -> None:
        pane = self.panes[self.pane]
        self.header.show(self.pane, pane.draft.model, pane.speed)

    # ------------------------------------------------------------------------ actions

    def action_show_pane(self, pane: Pane) -> None:
        """Go to a pane."""
        self.pane = pane
        for name, each in self.panes.items():
            each.display = name == pane
        self.panes[pane].focus_composer()
        self._tell()

    def action_next_pane(self) -> None:
        """Go round the panes."""
        self.action_show_pane(PANES[(PANES.index(self.pane) + 1) % len(PANES)])

    def action_palette(self) -> None:
        """Find any command by its name."""
        self.action_command_palette()


async def _start(loaded: settings.Loaded, on_event: OnEvent, on_state: OnState) -> Engine:
    return await Engine.start(loaded.settings.configure(), paths.log_file(), on_event, on_state)

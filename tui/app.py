"""The application: three panes over one engine."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.actions import parse
from textual.app import App, ComposeResult, SystemCommand
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import DescendantFocus, Resize
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import TextArea

from engine.client import Engine, EngineState
from engine.messages import Error
from tui import preferences, strings
from tui.cards import PANES, Pane
from tui.cards.drafts import first, fresh, merged
from tui.config import settings
from tui.connection.link import Connect, Link, OnEvent, OnState
from tui.connection.model_jobs import ModelJobs, Severity
from tui.connection.services import Services
from tui.files import paths, system_errors
from tui.history import History, Session
from tui.keys.actions import Action, Place, bindings
from tui.keys.palette import Languages, ThemeChooser, commands
from tui.panes.base import TaskPane
from tui.panes.continue_ import ContinuePane
from tui.panes.fill import FillPane
from tui.panes.score import ScorePane
from tui.preferences import Preferences
from tui.render import line_breaks
from tui.strings import LANGUAGES, Choice, Language, text, worded
from tui.terminal.ascii_frames import AsciiFilter
from tui.terminal.driver import TerminalDriver, TerminalGone
from tui.terminal.exit_codes import Exit
from tui.terminal.hostile import HostileFilter
from tui.terminal.sanitise import ASCII, UNICODE, clean
from tui.theming import DEFAULT
from tui.widgets.header import Header
from tui.widgets.hints import Hints, brief

SIDE_BY_SIDE = 160
"""From this many columns on, the three panes fit next to each other."""

FROM_PANES = frozenset({"models", "sessions", "settings", "language"})
"""What works only where no screen lies over the panes."""

OWN_PLACES: dict[Pane, tuple[Place, ...]] = {
    "continue": ("prompt",),
    "fill": ("masks",),
    "score": ("sides",),
}
"""The places that only one pane has."""


class TsuzukiApp(App[None], inherit_bindings=False):
    """Explore language models with the keyboard."""

    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(
        self,
        loaded: settings.Loaded | None = None,
        connect: Connect | None = None,
        history: Path | None = None,
    ) -> None:
        """Tests give settings, an engine and a file of their own."""
        line_breaks.install()
        # Only at construction does Textual choose between no colour at all and grey.
        super().__init__(ansi_color=True if _no_colour() else None)
        loaded = settings.load() if loaded is None else loaded
        strings.use(loaded.settings.language)
        self.preferences = preferences.read(loaded)
        own = self.preferences.settings
        self.link = Link(connect or partial(_start, own), self._engine_changed, self._engine_state)
        self.shared = Services(
            link=self.link,
            settings=own,
            keymap=self.preferences.keymap,
            glyphs=ASCII if own.ascii else UNICODE,
            model_jobs=ModelJobs(self.link, self._job_ended),
        )
        self._alarm: tuple[TaskPane, EngineState, Error | None] | None = None
        """The pane that shows the engine's failure until it recovers, and what it shows."""
        path = paths.history_file() if history is None else history
        self.history = History(path, self._history_report)
        self._opening: asyncio.Task[None] | None = None
        self._leaving = False
        self._warned = ""
        """What could not be saved at the start, or when leaving was asked for last."""
        self.pane: Pane = "continue"
        self.settled = False
        """Whether the last session, if there is one, is on the screen."""
        self.header = Header(self.shared)
        self.hints = Hints(self.shared)
        self.panes: dict[Pane, TaskPane] = {
            "continue": ContinuePane(self.shared, first("continue", own)),
            "fill": FillPane(self.shared, first("fill", own)),
            "score": ScorePane(self.shared, first("score", own)),
        }
        self._hostile = HostileFilter()
        self._offer_themes()
        self._put_on_theme(own.theme)
        self._chooser = ThemeChooser(self, self._theme_chosen)
        self._beside = own.layout != "single"
        """Whether the panes are side by side where there is room."""
        if own.slow_link():
            self.animation_level = "none"

    def _offer_themes(self) -> None:
        """Make ours and the user's the only themes."""
        found = self.preferences.themes.themes
        for theme in found.values():
            self.register_theme(theme)
        if self.theme not in found:
            self.theme = DEFAULT
        for name in set(self.available_themes) - set(found):
            self.unregister_theme(name)

    def _put_on_theme(self, name: str) -> None:
        """Change the colours, unless there is no theme of that name."""
        wanted = "no-colour" if _no_colour() else name
        self.theme = wanted if wanted in self.available_themes else DEFAULT

    def compose(self) -> ComposeResult:
        """The header, the panes, the keys."""
        yield self.header
        with Horizontal(id="panes"):
            yield from self.panes.values()
        yield self.hints

    def on_mount(self) -> None:
        """Show the first pane; everything that takes time comes after it is seen."""
        # Without these the terminal would be left raw, and what was typed last would be lost.
        for number in (signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, self._leave, Exit.INTERRUPTED)
        self.set_class(self.shared.settings.slow_link(), "-slow")
        self.set_keymap(self.shared.keymap.changes())
        self.action_show_pane("continue")
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._opening = asyncio.create_task(self._open_history(), name="open history")
        self.run_worker(self._open_engine(self.link.refresh))
        problems = self.preferences.problems()
        if problems:
            message, more = clean(str(problems[0])), len(problems) - 1
            message = text("notice.problems", first=message, n=more) if more else message
            self.notify(message, severity="warning", timeout=20, markup=False)

    async def _open_engine(self, open_it: Callable[[], Awaitable[None]]) -> None:
        try:
            await open_it()
        except OSError as error:
            message = text("notice.no_engine", reason=system_errors.reason(error))
            self.notify(message, severity="error", timeout=60, markup=False)

    async def _open_history(self) -> None:
        """Go on where the last session ended, with what was written meanwhile."""
        session = await self.history.open(resume=True)
        self._warned = self.history.unsaved  # who starts without a place to save knows it
        if session is not None:
            self._take_up(session)
        if self._leaving:
            return
        choices, given = await self.history.choices(), self.preferences.loaded.marks
        # The settings file wins over what was tried on in the app.
        theme = choices.get("theme")
        if "theme" not in given and not _no_colour() and theme in self.available_themes:
            self.theme = theme
        for language in LANGUAGES:
            if "language" not in given and choices.get("language") == language:
                self._write_in(language)
        for name, pane in self.panes.items():
            if self.preferences.loaded.model_given:
                pane.use_model(self.shared.settings.models.of(name))
            if self.preferences.loaded.precision_given:
                pane.use_precision(self.shared.settings.precision)
            pane.older = await self.history.prompts(name)
        self.settled = True

    def _take_up(self, session: Session) -> None:
        """Put what was done before the session was read behind what it holds."""
        for name, pane in self.panes.items():
            own = first(name, self.shared.settings)
            found = session.drafts.get(name, own)
            draft = merged(own, pane.edited(), found)
            if draft != found:
                self.history.save_draft(name, draft)
            session.drafts[name] = draft
            session.cards += pane.transcript.trees.cards
        if not self._leaving:
            self.show_session(session)

    def _history_report(self, problem: str) -> None:
        self.shared.unsaved = bool(self.history.unsaved)
        if self.is_running:
            self._update_header()
            self.notify(clean(problem), severity="warning", timeout=20, markup=False)

    async def on_unmount(self) -> None:
        """Leave no process behind and no text unsaved."""
        if self._opening is not None:
            await self._opening
        await self.history.close()
        await self.link.close()

    def get_driver_class(self) -> type[Driver]:
        """Our driver in place of Textual's for a terminal."""
        found = super().get_driver_class()
        return TerminalDriver if found is LinuxDriver else found

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Ours, which makes text safe, and then Textual's own."""
        ours = [self._hostile, AsciiFilter()] if self.shared.settings.ascii else [self._hostile]
        return [*ours, *super().get_line_filters()]

    @property
    def at_panes(self) -> bool:
        """Whether no other screen lies over the panes."""
        return len(self.screen_stack) == 1

    # ----------------------------------------------------------------------- sessions

    async def reopen(self, session: str | None) -> None:
        """Go on with an earlier session."""
        if session is None:
            return
        self._leave_session()
        found = await self.history.reopen(session)
        if found is not None:
            self.show_session(found)

    def _leave_session(self) -> None:
        """Stop what runs and save all of it."""
        for pane in self.panes.values():
            for card in pane.runs.abandon():
                self.history.save_card(card)

    def show_session(self, session: Session) -> None:
        """Put a session's cards and drafts into the panes."""
        for name, pane in self.panes.items():
            cards = [card for card in session.cards if card.pane == name]
            pane.open_session(cards, session.drafts.get(name))
        if session.unreadable:
            self.notify(text("notice.unreadable", n=session.unreadable), markup=False)
        self.panes[self.pane].focus_composer()
        self._update_header()

    def action_new_session(self) -> None:
        """Start an empty session; the one before stays in the list."""
        self._leave_session()
        self.history.start()
        drafts = {name: fresh(name, self.shared.settings) for name in self.panes}
        self.show_session(Session(self.history.session, drafts=drafts))

    @on(TaskPane.Changed)
    def _pane_changed(self, event: TaskPane.Changed) -> None:
        """Save what changed, and show the speed."""
        self.history.save_draft(event.pane.role, event.pane.draft)
        if event.card is not None:
            self.history.save_card(event.card)
        self._update_header()

    @on(TaskPane.Removed)
    def _card_removed(self, event: TaskPane.Removed) -> None:
        change = self.history.restore_card if event.back else self.history.delete_card
        change(event.card.id)

    # ------------------------------------------------------------------------- engine

    def _engine_changed(self) -> None:
        if self.is_running:
            self._update_header()
            for pane in self.panes.values():
                pane.engine_changed()

    def _engine_state(self, state: EngineState, error: Error | None) -> None:
        if state in ("silent", "restarting", "dead"):
            self._alarm = self.panes[self.pane], state, error
            self._show_alarm()
        elif state == "ready" and self._alarm is not None:
            pane, before, _ = self._alarm
            pane.notice(text("notice.answers" if before == "silent" else "notice.restarted"))
            self._alarm = None

    def _show_alarm(self) -> None:
        if self._alarm is None:
            return
        pane, state, error = self._alarm
        reason = clean(worded(error.message)) if error is not None else ""
        hint = clean(worded(error.hint)) if error is not None else ""
        restart = self.shared.keymap.way("restart_engine")
        pane.notice(text(f"notice.{state}", reason=reason, hint=hint, restart=restart))

    def _job_ended(self, message: str, severity: Severity) -> None:
        self.notify(clean(message), severity=severity, markup=False)

    def _update_header(self) -> None:
        pane = self.panes[self.pane]
        self.header.show(self.pane, pane.draft.model, pane.form, pane.form_label, pane.speed)
        self.hints.follow()

    # ------------------------------------------------------------------------- layout

    def _lay_out(self, width: int | None = None) -> None:
        """Show the current pane, or all three; `width` where it is only about to be the app's."""
        width = self.size.width if width is None else width
        beside = self._beside and width >= SIDE_BY_SIDE
        for name, each in self.panes.items():
            each.display = beside or name == self.pane
            each.set_class(beside, "-beside")
            each.set_class(name == self.pane, "-current")

    def on_resize(self, event: Resize) -> None:
        """One pane or three, as there is room."""
        self._lay_out(event.size.width)

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        """A click in another pane makes it the current one."""
        for name, pane in self.panes.items():
            if pane in event.widget.ancestors and name != self.pane:
                self.pane = name
                self._lay_out()
                self._update_header()

    # ------------------------------------------------------------------------ actions

    def action_show_pane(self, pane: Pane) -> None:
        """Go to a pane."""
        self.pane = pane
        self._lay_out()
        self.panes[pane].focus_composer()
        self._update_header()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that go to a pane, which win over the editor, do not reach through a screen."""
        return self.at_panes or action not in ("show_pane", "next_pane")

    def action_next_pane(self) -> None:
        """Go round the panes."""
        self.action_show_pane(PANES[(PANES.index(self.pane) + 1) % len(PANES)])

    def action_side_by_side(self) -> None:
        """Show the panes next to each other, or one at a time."""
        if self.size.width < SIDE_BY_SIDE:
            message = text("notice.narrow", n=SIDE_BY_SIDE, have=self.size.width)
            self.panes[self.pane].notice(message)
            return
        self._beside = not self._beside
        self._lay_out()

    def action_copy_or_stop(self) -> None:
        """Copy what is selected; without a selection, stop what runs."""
        focused = self.focused
        chosen = focused.selected_text if isinstance(focused, TextArea) else ""
        chosen = chosen or self.screen.get_selected_text() or ""
        pane = self.panes[self.pane]
        if chosen:
            self.copy_to_clipboard(chosen)
            pane.notice(text("notice.copied_selection", n=len(chosen)))
        else:
            pane.runs.stop()

    def action_help(self) -> None:
        """Explain the place you are in and list its keys; a second time, close that."""
        from tui.screens.help import HelpScreen, here

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            usable = partial(self.usable, self.screen)
            self.push_screen(HelpScreen(self.shared, here(self.screen), usable))

    def action_models(self) -> None:
        """See which models there are; the one chosen is used in the current pane."""
        from tui.screens.models import ModelsScreen

        if self.at_panes:
            pane = self.panes[self.pane]
            screen = ModelsScreen(self.shared, pane.role, pane.draft.model, pane.draft.precision)
            self.push_screen(screen, pane.picked)

    def action_sessions(self) -> None:
        """Find earlier sessions; the one chosen is opened."""
        from tui.screens.sessions import SessionsScreen

        if self.at_panes and self.history.opened:
            self.push_screen(SessionsScreen(self.shared, self.history), self.reopen)

    def action_settings(self) -> None:
        """See the settings in force."""
        from tui.screens.settings import SettingsScreen

        if self.at_panes:
            self.push_screen(SettingsScreen(self.shared, self.preferences, self._reread))

    def _reread(self) -> Preferences:
        """Read the settings again and put them in force, as far as a running app can."""
        before = self.preferences.settings.theme
        self._write_in(settings.language(self.preferences.loaded.path))
        self.preferences = self.preferences.reread()
        self.shared.settings = self.preferences.settings
        self.shared.keymap = self.preferences.keymap
        self.set_keymap(self.shared.keymap.changes())
        self._offer_themes()
        if self.preferences.settings.theme != before:
            self._put_on_theme(self.preferences.settings.theme)
        return self.preferences

    def action_language(self) -> None:
        """Change the language of the interface."""
        if self.at_panes:
            placeholder = text("palette.languages")
            self.push_screen(CommandPalette(providers=[Languages], placeholder=placeholder))

    def use_language(self, language: Language) -> None:
        """Write everything in this language, now and at the next start."""
        self._write_in(language)
        self.history.choose("language", language)

    def _write_in(self, language: Choice) -> None:
        """Write what is on the screen anew, if that is another language."""
        before = strings.language()
        strings.use(language)
        if strings.language() == before:
            return
        for pane in self.panes.values():
            pane.reword()
        self._show_alarm()
        self._update_header()
        for screen in self.screen_stack:
            for hints in screen.query(Hints):
                hints.refresh()

    def action_restart_engine(self) -> None:
        """End the engine's process, whatever it does, and start another."""
        self.run_worker(self._open_engine(self.link.restart))

    async def action_quit(self) -> None:
        """Leave at once, also while a model writes; what was typed last is saved.

        Where it can no longer be saved, the first time only says so.
        """
        unsaved, warned = self.history.unsaved, self._warned
        self._warned = unsaved
        if unsaved and unsaved != warned:
            key = brief(self.shared.keymap.shown("quit"))
            self._history_report(text("history.leave", reason=unsaved, key=key))
        else:
            self._leave(Exit.DONE)

    @on(TerminalGone)
    def _terminal_gone(self) -> None:
        self._leave(Exit.INTERRUPTED)

    def _leave(self, status: Exit) -> None:
        self._leaving = True
        for name, pane in self.panes.items():
            self.history.save_draft(name, pane.edited())
        self.exit(return_code=status)

    def action_palette(self) -> None:
        """Find any command by its name."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(CommandPalette(placeholder=text("palette.search")))

    def action_theme(self) -> None:
        """Change the colours."""
        self._chooser.open()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action that works where the palette was opened."""
        yield from commands(self.shared.keymap, partial(self._offered, screen), self._run)

    def _offered(self, screen: Screen[object], action: Action) -> bool:
        at_panes = screen is self.screen_stack[0]
        if action.where == "app":
            return at_panes or action.id not in FROM_PANES
        return at_panes and action.where in self._places() and self.usable(screen, action)

    def usable(self, screen: Screen[object], action: Action) -> bool:
        """Whether an action does something on what there is now, on the panes or on a screen."""
        _, name, parameters = parse(action.call or action.id)
        return bool(self._places().get(action.where, screen).check_action(name, parameters))

    def _places(self) -> dict[Place, DOMNode]:
        """The places of the current pane."""
        pane = self.panes[self.pane]
        places: dict[Place, DOMNode] = {"pane": pane, "transcript": pane.transcript}
        return places | dict.fromkeys(("composer", *OWN_PLACES[self.pane]), pane.composers[-1])

    async def _run(self, action: Action) -> None:
        await self.run_action(action.call or action.id, self._places().get(action.where, self))

    @on(CommandPalette.OptionHighlighted)
    def _try_theme(self, event: CommandPalette.OptionHighlighted) -> None:
        self._chooser.preview(event)

    @on(CommandPalette.Closed)
    def _theme_closed(self, event: CommandPalette.Closed) -> None:
        self._chooser.closed(event)

    def _theme_chosen(self, name: str) -> None:
        self.history.choose("theme", name)


def _no_colour() -> bool:
    """Whether the user wants no colour at all (https://no-color.org)."""
    return bool(os.environ.get("NO_COLOR"))


async def _start(own: settings.Settings, on_event: OnEvent, on_state: OnState) -> Engine:
    paths.log_problem()  # what keeps the log from being written keeps the sessions, which is said
    return await Engine.start(own.configure(), paths.log_file(), on_event, on_state)

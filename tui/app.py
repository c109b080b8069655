"""The application: three panes over one engine."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from msgspec import structs
from textual import on
from textual.actions import parse
from textual.app import App, ComposeResult
from textual.binding import BindingType
from textual.command import CommandPalette
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.events import Event, Key, Resize
from textual.filter import LineFilter
from textual.screen import Screen
from textual.widgets import TextArea

from engine.client import Engine, EngineState
from engine.messages import Error
from tui import preferences, strings
from tui.cards import Pane
from tui.cards.drafts import first
from tui.choices import Choices
from tui.config import settings
from tui.connection.link import Connect, Link, OnEvent, OnState
from tui.connection.model_jobs import ModelJobs, Severity
from tui.connection.services import Services
from tui.files import paths, ssh_hosts, system_errors
from tui.history import History, Session
from tui.keys.actions import Action, bindings
from tui.keys.palette import Entry, commands, palette
from tui.open_session import OpenSession
from tui.open_suite import OpenSuite
from tui.panes.base import TaskPane
from tui.panes.continue_ import ContinuePane
from tui.panes.fill import FillPane
from tui.panes.model_label import form_label
from tui.panes.row import PaneRow
from tui.panes.score import ScorePane
from tui.preferences import Preferences
from tui.render import line_breaks
from tui.screens.dialogs import Ask
from tui.strings import LANGUAGES, Choice, Language, table, text, worded
from tui.terminal.ascii_frames import AsciiFilter
from tui.terminal.compositor import PartialCompositor
from tui.terminal.driver import TerminalDriver, TerminalGone
from tui.terminal.exit_codes import Exit
from tui.terminal.hostile import HostileFilter
from tui.terminal.sanitise import ASCII, UNICODE, clean
from tui.theming.switch import ThemeSwitch, no_colour
from tui.widgets.header import Header
from tui.widgets.hints import Hints

LATENCY_S = 10.0
"""How often to measure how long an engine on another machine takes to answer."""
FROM_PANES = frozenset({"models", "sessions", "settings", "language"})
"""What works only where no screen lies over the panes."""


class TsuzukiApp(App[None], inherit_bindings=False):
    """Explore language models with the keyboard."""

    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("app")]

    def __init__(
        self,
        loaded: settings.Loaded | None = None,
        connect: Connect | None = None,
        history: Path | None = None,
        lesson: bool = False,
    ) -> None:
        """Tests give settings, an engine and a file of their own; `lesson` begins with it."""
        line_breaks.install()
        # Only at construction does Textual choose between no colour at all and grey.
        super().__init__(ansi_color=True if no_colour() else None)
        loaded = settings.load() if loaded is None else loaded
        strings.use(loaded.settings.language)
        self.preferences = preferences.read(loaded)
        own = self.preferences.settings
        self.link = Link(
            connect or partial(_start, own),
            self._engine_changed,
            self._engine_state,
            elsewhere=own.engine is not None,
        )
        self.shared = Services(
            link=self.link,
            settings=own,
            keymap=self.preferences.keymap,
            glyphs=ASCII if own.ascii else UNICODE,
            model_jobs=ModelJobs(self.link, self._job_ended),
        )
        strings.name_keys(lambda action_id: self.shared.keymap.way(action_id))
        self._alarm: tuple[TaskPane, EngineState, Error | None] | None = None
        """The pane that shows the engine's failure until it recovers, and what it shows."""
        path = paths.history_file() if history is None else history
        self.history = History(path, self._history_report)
        self.choices = Choices(lambda: self.preferences.loaded, self.history.choose)
        self._lesson = lesson
        self._opening: asyncio.Task[None] | None = None
        self._warned = ""
        """What could not be saved at the start, or when leaving was asked for last."""
        self.settled = False
        """Whether the last session, if there is one, is on the screen."""
        self.header = Header(self.shared)
        self.hints = Hints(self.shared)
        self.panes: dict[Pane, TaskPane] = {
            "continue": ContinuePane(self.shared, first("continue", own)),
            "fill": FillPane(self.shared, first("fill", own)),
            "score": ScorePane(self.shared, first("score", own)),
        }
        self.row = PaneRow(self.panes, beside=own.layout != "single")
        self.session = OpenSession(
            self.history, self.panes, self.shared, self.choices, self._session_shown
        )
        self._suites = OpenSuite(self.shared, self.panes, self.row.turn_to)
        self._hostile = HostileFilter()
        self._themes = ThemeSwitch(self, self._theme_chosen)
        self._themes.offer(self.preferences.themes.themes)
        self._themes.put_on(own.theme)
        if own.slow_link():
            self.animation_level = "none"

    def compose(self) -> ComposeResult:
        """The header, the panes, the keys."""
        yield self.header
        yield self.row
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
        self.set_interval(LATENCY_S, self._measure_latency)

    async def on_event(self, event: Event) -> None:
        """Hand out what comes from the terminal; a letter first brings its pane's composer up."""
        if isinstance(event, Key) and not event.is_forwarded and self.focused is not None:
            for pane in self.panes.values():
                if pane in self.focused.ancestors:
                    pane.ready_to_write(event)
                    break
        await super().on_event(event)

    def _begin(self) -> None:
        self._opening = asyncio.create_task(self._open_history(), name="open history")
        self.run_worker(self._open_engine(self.link.refresh))
        problems = self.preferences.problems()
        if problems:
            message, more = clean(str(problems[0])), len(problems) - 1
            message = text("notice.problems", first=message, n=more) if more else message
            self.notify(message, severity="warning", timeout=20, markup=False)

    async def _measure_latency(self) -> None:
        """Measure how far away an engine elsewhere is, where nothing else is waited for."""
        if self.link.elsewhere and self.link.engine == "ready" and not self.shared.running:
            await self.link.ping()

    async def _open_engine(self, open_it: Callable[[], Awaitable[None]]) -> None:
        try:
            await open_it()
        except OSError as error:
            message = text("notice.no_engine", reason=system_errors.reason(error))
            self.notify(message, severity="error", timeout=60, markup=False)

    async def _open_history(self) -> None:
        """Show the last session; what the user chose in the app or the command line stays."""
        await self.session.resume()
        self._warned = self.history.unsaved  # which was reported at the start
        if self.session.closed:
            return
        self._themes.put_on(self.choices.theme())
        self._write_in(self.choices.language())
        for name, pane in self.panes.items():
            pane.older = await self.history.prompts(name)
        self.settled = True
        self._suit_examples()
        if self._lesson:
            self.action_lesson()

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

    def get_default_screen(self) -> Screen[object]:
        """Textual's, drawn by our compositor: texts stream on it."""
        screen = super().get_default_screen()
        screen._compositor = PartialCompositor()
        return screen

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

    def _session_shown(self, session: Session) -> None:
        if session.unreadable:
            self.notify(text("notice.unreadable", n=session.unreadable), markup=False)
        self.row.current.focus_composer()
        self._update_header()

    def action_new_session(self) -> None:
        """Start an empty session; the one before stays in the list."""
        self.session.begin()

    @on(TaskPane.Changed)
    def _pane_changed(self, event: TaskPane.Changed) -> None:
        """Save what changed, and show the speed."""
        self.session.save(event.pane, event.card)
        self._show_pane()

    @on(TaskPane.Removed)
    def _card_removed(self, event: TaskPane.Removed) -> None:
        self.session.remove(event.card, back=event.back)

    @on(TaskPane.SuiteAsked)
    def _suite_asked(self, event: TaskPane.SuiteAsked) -> None:
        """Open the suites of a file; without a name, ask for one."""

        def named(file: str | None) -> None:
            screen = None if file is None else self._suites.open(file, event.pane)
            if screen is not None:
                self.push_screen(screen, self._suites.opened)

        if event.file:
            named(event.file)
        else:
            question = text("dialog.suite")
            self.push_screen(Ask(question, self._suites.last, "~/suite.json", path=True), named)

    # ------------------------------------------------------------------------- engine

    def _engine_changed(self) -> None:
        if self.is_running:
            self._update_header()
            for pane in self.panes.values():
                pane.engine_changed()
            self._suit_examples()

    def _suit_examples(self) -> None:
        # Not before, as what is there when the last session comes counts as typed.
        if self.settled:
            for pane in self.panes.values():
                pane.gallery.suit()

    def _engine_state(self, state: EngineState, error: Error | None) -> None:
        if state == "ready":
            self.run_worker(self._measure_latency())
        if state in ("silent", "restarting", "dead"):
            self._alarm = self.row.current, state, error
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
        pane.notice(text(f"notice.{state}", reason=reason, hint=hint))

    def _job_ended(self, message: str, severity: Severity) -> None:
        self.notify(clean(message), severity=severity, markup=False)

    def _show_pane(self) -> None:
        pane = self.row.current
        self.header.show(pane.role, pane.draft.model, pane.form, form_label(pane), pane.cards.speed)
        self.hints.follow()

    def _update_header(self) -> None:
        self._show_pane()
        self.header.follow()

    # ------------------------------------------------------------------------ actions

    def on_resize(self, event: Resize) -> None:
        """One pane or three, as there is room."""
        if event.size == self.size:
            # It was another meanwhile, which moved what the terminal shows.
            self.screen.refresh()
        self.row.lay_out(event.size.width)

    @on(PaneRow.Turned)
    def _turned(self) -> None:
        self._update_header()

    def action_show_pane(self, pane: Pane) -> None:
        """Go to a pane."""
        self.row.turn_to(pane)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that go to a pane, which win over the editor, do not reach through a screen."""
        return self.at_panes or action not in ("show_pane", "next_pane")

    def action_next_pane(self) -> None:
        """Go round the panes."""
        self.row.turn_on()

    def action_side_by_side(self) -> None:
        """Show the panes next to each other, or one at a time."""
        self.row.toggle_beside()

    def action_copy_or_stop(self) -> None:
        """Copy what is selected; without a selection, stop what runs."""
        focused = self.focused
        chosen = focused.selected_text if isinstance(focused, TextArea) else ""
        chosen = chosen or self.screen.get_selected_text() or ""
        pane = self.row.current
        if chosen:
            self.copy_to_clipboard(chosen)
            pane.notice(text("notice.copied_selection", n=len(chosen)))
        elif self.shared.running:
            pane.cards.runs.stop()
        else:
            pane.notice(text("notice.idle"))

    def action_help(self) -> None:
        """Explain the place you are in and list its keys; a second time, close that."""
        from tui.screens.help import HelpScreen, here
        from tui.screens.window import Window

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            usable = partial(self.usable, self.screen)
            explained = self.screen.explained() if isinstance(self.screen, Window) else ()
            self.push_screen(HelpScreen(self.shared, here(self.screen), usable, explained))

    def action_models(self) -> None:
        """See which models there are; the one chosen is used in the current pane."""
        from tui.screens.models import ModelsScreen

        if self.at_panes:
            pane = self.row.current
            screen = ModelsScreen(self.shared, pane.role, pane.draft.model, pane.draft.precision)
            self.push_screen(screen, pane.picked)

    def action_lesson(self) -> None:
        """Learn how language models work."""
        from tui.screens.lesson import LessonScreen

        if not any(isinstance(screen, LessonScreen) for screen in self.screen_stack):
            stored = self.choices.last("lesson")
            keep = partial(self.choices.choose, "lesson")
            self.push_screen(LessonScreen(self.shared, stored, keep))

    def action_sessions(self) -> None:
        """Find earlier sessions; the one chosen is opened."""
        from tui.screens.sessions import SessionsScreen

        if self.at_panes and self.history.opened:
            screen = SessionsScreen(self.shared, self.history)

            async def chosen(session: str | None) -> None:
                await self.session.reopen(session)
                self._go_to(screen.hit)

            self.push_screen(screen, chosen)

    def _go_to(self, card_id: str) -> None:
        """Go to a card, in whichever pane it is."""
        for name, pane in self.panes.items():
            card = pane.transcript.trees.get(card_id)
            if card is not None:
                self.row.turn_to(name)
                pane.transcript.go_to(card)

    def action_settings(self) -> None:
        """See the settings in force."""
        from tui.screens.settings import SettingsScreen

        if self.at_panes:
            self.push_screen(SettingsScreen(self.shared, self.preferences, self._reread))

    def _reread(self) -> Preferences:
        """Read the settings again and put them in force, as far as a running app can."""
        before = self.preferences.settings.theme
        keys = self.shared.keymap.keys
        self._write_in(settings.language(self.preferences.loaded.path))
        self.preferences = self.preferences.reread()
        self.shared.settings = self.preferences.settings
        self.shared.keymap = self.preferences.keymap
        self.set_keymap(self.shared.keymap.changes())
        self._themes.offer(self.preferences.themes.themes)
        if self.preferences.settings.theme != before:
            self._themes.put_on(self.preferences.settings.theme)
        if self.shared.keymap.keys != keys:
            self._reword()
        return self.preferences

    def action_language(self) -> None:
        """Change the language of the interface."""
        if self.at_panes:
            named = (
                (table(each)["language"], "", partial(self.use_language, each))
                for each in LANGUAGES
            )
            self.push_screen(palette(named, text("palette.languages")))

    def use_language(self, language: Language) -> None:
        """Write everything in this language, now and at the next start."""
        self._write_in(language)
        self.choices.choose("language", language)

    def _write_in(self, language: Choice) -> None:
        """Write what is on the screen anew, if that is another language."""
        before = strings.language()
        strings.use(language)
        if strings.language() != before:
            self._reword()

    def _reword(self) -> None:
        """Write what is on the screen anew: in another language, or with other keys."""
        for pane in self.panes.values():
            pane.reword()
        self._show_alarm()
        self._update_header()
        for screen in self.screen_stack:
            for hints in screen.query(Hints):
                hints.refresh()

    def action_machine(self) -> None:
        """Choose the machine that models run on, until the app ends."""
        if self.at_panes:
            own = self.preferences.settings.engine
            commands = dict.fromkeys([own, *(f"ssh {host}" for host in ssh_hosts.hosts()), None])
            named = (
                (command or text("palette.here"), "", partial(self.use_machine, command))
                for command in commands
            )
            self.push_screen(palette(named, text("palette.machines")))

    def use_machine(self, command: str | None) -> None:
        """Run models on the machine that a command leads to, or on this one."""
        there = structs.replace(self.preferences.settings, engine=command)
        move = partial(self.link.move, partial(_start, there), elsewhere=command is not None)
        self.run_worker(self._open_engine(move), group="machine", exclusive=True)

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
            self._history_report(text("history.leave", reason=unsaved))
        else:
            self._leave(Exit.DONE)

    @on(TerminalGone)
    def _terminal_gone(self) -> None:
        self._leave(Exit.INTERRUPTED)

    def _leave(self, status: Exit) -> None:
        self.session.close()
        self.exit(return_code=status)

    def action_palette(self) -> None:
        """Find any command by its name, or by a word of what it does."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(palette(self.commands(self.screen), text("palette.search")))

    def action_theme(self) -> None:
        """Change the colours."""
        self._themes.open()

    def commands(self, screen: Screen[object]) -> Iterator[Entry]:
        """Every action that works where the palette was opened."""
        return commands(self.shared.keymap, partial(self._offered, screen), self._run)

    def _offered(self, screen: Screen[object], action: Action) -> bool:
        at_panes = screen is self.screen_stack[0]
        if action.where == "app":
            return at_panes or action.id not in FROM_PANES
        return at_panes and action.where in self.row.places() and self.usable(screen, action)

    def usable(self, screen: Screen[object], action: Action) -> bool:
        """Whether an action does something on what there is now, on the panes or on a screen."""
        _, name, parameters = parse(action.call or action.id)
        return bool(self.row.places().get(action.where, screen).check_action(name, parameters))

    async def _run(self, action: Action) -> None:
        await self.run_action(action.call or action.id, self.row.places().get(action.where, self))

    @on(CommandPalette.OptionHighlighted)
    def _try_theme(self, event: CommandPalette.OptionHighlighted) -> None:
        self._themes.preview(event)

    @on(CommandPalette.Closed)
    def _theme_closed(self, event: CommandPalette.Closed) -> None:
        self._themes.closed(event)

    def _theme_chosen(self, name: str) -> None:
        self.choices.choose("theme", name)


async def _start(own: settings.Settings, on_event: OnEvent, on_state: OnState) -> Engine:
    paths.log_problem()  # what keeps the log from being written keeps the sessions, which is said
    return await Engine.start(
        own.configure(), paths.log_file(), on_event, on_state, command=own.engine
    )

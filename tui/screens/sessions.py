"""Earlier sessions: to find, reopen, rename, export and delete."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import ClassVar

from textual import on, work
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Input

from tui.connection.services import Services
from tui.export import markdown
from tui.export.markdown import Format
from tui.history import History, Summary
from tui.keys.actions import bindings
from tui.screens.base import Overlay, Table
from tui.screens.dialogs import Ask
from tui.strings import text
from tui.terminal.sanitise import clean


class SessionsScreen(Overlay[str]):
    """Ends with the id of the session to reopen."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("sessions")]

    def __init__(self, shared: Services, history: History) -> None:
        super().__init__(shared, text("screens.sessions.title"))
        self._history = history
        self._found: dict[str, Summary] = {}
        self.hit = ""
        """The id of the card to go to in the session that was chosen; empty for none."""
        self._deleted: list[str] = []
        self._search = Input(
            placeholder=text("screens.sessions.search"), classes="search", compact=True
        )
        self._table = Table(
            (" ", 1),
            (text("screens.sessions.last"), 16),
            (text("screens.sessions.cards"), 5),
            (text("screens.sessions.name"), 48),
            cut=self.cut,
        )

    def body(self) -> Iterator[Widget]:
        """The search field above the list."""
        yield self._search
        yield self._table

    def on_mount(self) -> None:
        """Show all of them."""
        self._table.focus()
        self._look()

    # ------------------------------------------------------------------------ showing

    @on(Input.Changed)
    @work(exclusive=True)
    async def _look(self) -> None:
        """Show the sessions that hold what is searched for."""
        found = await self._history.sessions(self._search.value)
        self._found = {summary.id: summary for summary in found}
        self._table.show({summary.id: self._row(summary) for summary in found})
        key = "screens.sessions.found" if self._search.value else "screens.sessions.count"
        self.heading(text(key, count=len(found)))

    def _row(self, summary: Summary) -> tuple[str, ...]:
        glyphs = self.shared.glyphs
        mark = ""
        if summary.id == self._history.session:
            mark = glyphs.on
        elif summary.held:
            mark = glyphs.off
        last = time.strftime("%Y-%m-%d %H:%M", time.localtime(summary.updated))
        name = summary.snippet or " ".join(summary.name.split())
        name = name or text("screens.sessions.unnamed")
        return mark, last, str(summary.cards), name

    @on(Input.Submitted)
    def _to_list(self) -> None:
        self._table.focus()

    def _show_message(self, message: str) -> None:
        self.notify(clean(message), markup=False)

    # ------------------------------------------------------------------------ actions

    def action_close(self) -> None:
        """Leave the search, then the screen."""
        if self._search.has_focus or self._search.value:
            self._search.value = ""
            self._table.focus()
        else:
            self.dismiss(None)

    def action_sessions_open(self) -> None:
        """Go on with the chosen session."""
        chosen = self._found.get(self._table.chosen or "")
        if chosen is None:
            return
        if chosen.held:
            self._show_message(text("screens.sessions.held"))
        else:
            self.hit = chosen.hit
            self.dismiss(chosen.id)

    def action_sessions_search(self) -> None:
        self._search.focus()

    @work
    async def action_sessions_rename(self) -> None:
        """Give the chosen session another name."""
        chosen = self._found.get(self._table.chosen or "")
        if chosen is None:
            return
        name = await self.app.push_screen_wait(
            Ask(text("screens.sessions.rename"), " ".join(chosen.name.split())[:200])
        )
        if name is not None:
            self._history.rename(chosen.id, name.strip())
            self._look()

    def action_sessions_markdown(self) -> None:
        """Save the chosen session to read."""
        self._export("md")

    def action_sessions_text(self) -> None:
        """Save the chosen session's texts alone."""
        self._export("txt")

    def action_sessions_json(self) -> None:
        """Save the chosen session to compute with."""
        self._export("json")

    def action_sessions_delete(self) -> None:
        chosen = self._table.chosen
        if chosen is None:
            return
        if chosen == self._history.session:
            self._show_message(text("screens.sessions.current"))
            return
        self._history.delete(chosen)
        self._deleted.append(chosen)
        self._show_message(text("screens.sessions.deleted"))
        self._look()

    def action_sessions_undo(self) -> None:
        """Bring back the session deleted last."""
        if self._deleted:
            self._history.restore(self._deleted.pop())
            self._look()
        else:
            self._show_message(text("screens.sessions.no_undo"))

    @work
    async def _export(self, form: Format) -> None:
        chosen = self._found.get(self._table.chosen or "")
        session = None if chosen is None else await self._history.read(chosen.id)
        if session is not None:
            self._show_message(
                markdown.save_and_report(self.shared.settings.exports(), session, form)
            )

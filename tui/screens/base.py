"""What the screens over the panes have in common: a title, keys below, and Escape to go back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from rich.console import OverflowMethod
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import DataTable, Static

from engine.messages import Error, Event, Request
from tui.connection.services import Services
from tui.files import system_errors
from tui.keys.actions import Place
from tui.screens.window import Window
from tui.strings import text, worded
from tui.terminal.sanitise import clean
from tui.widgets.hints import Hints

_Result = TypeVar("_Result")


class Overlay(Window[_Result]):
    """A screen over the panes. It ends with a result, or with None when it is closed."""

    place: ClassVar[Place | None] = None

    def __init__(self, shared: Services, title: str) -> None:
        super().__init__()
        self.shared = shared
        self._heading = Static(title, classes="heading", markup=False)

    def compose(self) -> ComposeResult:
        """Lay the title, the body and the keys out."""
        yield self._heading
        yield from self.body()
        yield from self.foot()

    def body(self) -> Iterator[Widget]:
        """The widgets between the title and the foot."""
        raise NotImplementedError

    def foot(self) -> Iterator[Widget]:
        """The widgets at the bottom: the keys."""
        yield Hints(self.shared)

    @property
    def cut(self) -> OverflowMethod:
        """How a text too long for its place ends; an ellipsis is not an ASCII character."""
        return "crop" if self.shared.settings.ascii else "ellipsis"

    def heading(self, title: str) -> None:
        """Write another title."""
        self._heading.update(title)

    def action_close(self) -> None:
        """Go back to where the user was."""
        self.dismiss(None)


class MessageScreen(Overlay[_Result]):
    """A screen with a line below its body for the result of a key or of a request."""

    def __init__(self, shared: Services, title: str) -> None:
        super().__init__(shared, title)
        self._message_line = Static(classes="message", markup=False)

    def foot(self) -> Iterator[Widget]:
        """The message line, above the keys."""
        yield self._message_line
        yield from super().foot()

    def show_message(self, message: str) -> None:
        """Show a message in place of the one before."""
        self._message_line.update(message)

    async def answers(self, request: Request) -> AsyncIterator[Event]:
        """The events that answer a request; an error is shown, and is the last of them.

        Cancelling the worker that goes through them stops the engine's work on it.
        """
        try:
            answer = await self.shared.link.request(request)
        except OSError as error:
            self.show_message(text("notice.no_engine", reason=system_errors.reason(error)))
            yield Error(kind="worker_died", message=str(error))
            return
        async with aclosing(answer) as events:
            async for event in events:
                if isinstance(event, Error):
                    self.show_message(clean(worded(event.message, event.hint)))
                yield event


class Table(DataTable[Text], inherit_bindings=False):
    """Rows to choose from. Enter is left to the screen, so that the keymap can change it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "cursor_up", show=False),
        Binding("down", "cursor_down", show=False),
        Binding("pageup", "page_up", show=False),
        Binding("pagedown", "page_down", show=False),
        Binding("home", "scroll_top", show=False),
        Binding("end", "scroll_bottom", show=False),
    ]

    def __init__(self, *columns: tuple[str, int], cut: OverflowMethod) -> None:
        """`cut` says how a text too long for its column ends."""
        super().__init__(cursor_type="row", zebra_stripes=False)
        self._titles = columns
        self._cut = cut
        self._rows: list[tuple[str, ...]] = []
        self._keys: list[str] = []

    def on_mount(self) -> None:
        """Make the columns, each with its width in cells, or that of a title that needs more."""
        for title, width in self._titles:
            self.add_column(Text(title), width=max(width, cell_len(title)))

    @property
    def chosen(self) -> str | None:
        """The key of the row under the cursor."""
        return self._keys[self.cursor_row] if self._keys else None

    def go(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        if key in self._keys:
            self.move_cursor(row=self._keys.index(key), animate=False)

    def show(self, rows: dict[str, tuple[str, ...]]) -> None:
        """Show these rows by key, the cursor staying on its row where that is still there.

        The texts may be anybody's; they are made safe here.
        """
        keys, cells = list(rows), list(rows.values())
        if keys == self._keys and cells == self._rows:
            return
        before, place = self.chosen or "", self.cursor_row
        self._keys, self._rows = keys, cells
        self.clear()
        for row in cells:
            self.add_row(*(Text(clean(cell), no_wrap=True, overflow=self._cut) for cell in row))
        if keys:
            self.go(before if before in keys else keys[min(place, len(keys) - 1)])

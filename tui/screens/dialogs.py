"""Small questions over whatever is on the screen."""

from __future__ import annotations

import asyncio
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.suggester import Suggester
from textual.widgets import Button, Input, Static

from tui.files.completing import completed
from tui.screens.window import Window
from tui.strings import text


class Dialog(Window[str]):
    """A box in the middle; None when it is closed without an answer."""


class Confirm(Dialog):
    """Asks before something that cannot be undone. The answer is "yes" or None."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,up", "app.focus_previous", show=False),
        Binding("right,down", "app.focus_next", show=False),
    ]

    def __init__(self, question: str, yes: str) -> None:
        super().__init__()
        self._question = question
        self._yes = yes

    def compose(self) -> ComposeResult:
        """The question, and two answers of which the harmless one is at hand."""
        with Vertical(classes="box"):
            yield Static(self._question, classes="question", markup=False)
            with Horizontal(classes="buttons"):
                yield Button(text("screens.cancel"), id="no")
                yield Button(self._yes, id="yes", variant="error")

    @on(Button.Pressed)
    def _pressed(self, event: Button.Pressed) -> None:
        self.dismiss("yes" if event.button.id == "yes" else None)


class _Paths(Suggester):
    """Suggests how the name of a file goes on."""

    def __init__(self) -> None:
        super().__init__(use_cache=False, case_sensitive=True)

    async def get_suggestion(self, value: str) -> str | None:
        """The path, or None; a slow disk holds nothing up."""
        return await asyncio.to_thread(completed, value)


class PathInput(Input):
    """A field for the name of a file, in which Tab takes what is suggested."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("tab", "cursor_right", show=False)]

    def __init__(self, value: str, placeholder: str) -> None:
        super().__init__(value, placeholder, suggester=_Paths(), classes="entry")


class Ask(Dialog):
    """Asks for a line of text."""

    def __init__(
        self, question: str, value: str = "", example: str = "", *, path: bool = False
    ) -> None:
        """`path`: what is asked for is the name of a file or a folder."""
        super().__init__()
        self._question = question
        self._value = value
        self._example = example
        self._path = path

    def compose(self) -> ComposeResult:
        """The question and a field."""
        with Vertical(classes="box"):
            yield Static(self._question, classes="question", markup=False)
            if self._path:
                yield PathInput(self._value, self._example)
            else:
                yield Input(self._value, placeholder=self._example, classes="entry")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

"""Small questions over whatever is on the screen."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Input, Static

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


class Ask(Dialog):
    """Asks for a line of text."""

    def __init__(self, question: str, value: str = "", example: str = "") -> None:
        super().__init__()
        self._question = question
        self._value = value
        self._example = example

    def compose(self) -> ComposeResult:
        """The question and a field."""
        with Vertical(classes="box"):
            yield Static(self._question, classes="question", markup=False)
            yield Input(self._value, placeholder=self._example, classes="entry")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        self.dismiss(event.value)

"""The small windows that open over a pane."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

import msgspec
from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.suggester import SuggestFromList
from textual.widgets import Input, Label, OptionList, Static
from textual.widgets.option_list import Option

from engine.messages import ModelInfo, Role
from tui.connection.link import Link
from tui.files.values import wrong
from tui.keys.actions import Place
from tui.screens.window import Explained, Window
from tui.strings import listed, text
from tui.terminal.sanitise import clean
from tui.terminal.units import size
from tui.widgets.composer import Composer
from tui.widgets.header import state_text


class Picker(Window[str]):
    """Chooses one of the models that fit a pane. Gives its id, or None."""

    place: ClassVar[Place | None] = "picker"

    def __init__(self, link: Link, role: Role, current: str, without: Collection[str] = ()) -> None:
        """`without` names the models that are no choice."""
        super().__init__()
        self._link = link
        self._role = role
        self._current = current
        self._without = without
        self._options = OptionList()
        self._none = Label(markup=False)
        """Shown where there are no models; says why."""
        self._lines: list[Content] = []

    def compose(self) -> ComposeResult:
        """One line a model: its name, its languages, its size and its state."""
        with Vertical(classes="dialog"):
            yield Label(text("dialog.models"), classes="dialog-title", markup=False)
            yield self._options
            yield self._none
            yield Label(text("dialog.models_hint"), classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        """Show the models and follow changes: the list may still come, a model may be loading."""
        self._show()
        self._options.focus()
        self.set_interval(0.2, self._show)

    def _show(self) -> None:
        fitting = self._link.fitting(self._role)
        models = [info for info in fitting if info.id not in self._without]
        self._none.update(text("dialog.no_models" if self._link.models else "dialog.models_coming"))
        self._none.display = not models
        lines = [self._line(info) for info in models]
        if lines == self._lines:
            return
        self._lines = lines
        on = self._options.highlighted_option
        at = self._current if on is None else on.id
        ids = [info.id for info in models]
        self._options.set_options(map(Option, lines, ids))
        self._options.highlighted = ids.index(at) if at in ids else 0

    def _line(self, info: ModelInfo) -> Content:
        state = state_text(info, self._link.progress.get(info.id))
        facts = f"{' '.join(info.languages):<6} {size(info.bytes):>8}  {state}"
        name = Content(clean(info.id)).truncate(30, ellipsis=True, pad=True)
        return Content.assemble(name, "  ", (facts, "$text-muted"))

    @on(OptionList.OptionSelected)
    def _choose(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id)


class Wrong(Exception):
    """What is written is not a value of its field; the message says why."""


@dataclass(frozen=True)
class Field:
    """One thing to set: its name in the struct, its type there, and its value as text."""

    name: str
    kind: object
    value: str
    choices: tuple[str, ...] = ()
    """The only values there are, where they are a few words."""
    many: bool = False
    """Several of the choices can be taken, with commas between them."""

    @property
    def meaning(self) -> str:
        """What it is for, or what it can be."""
        if self.choices and not self.many:
            return listed(self.choices)
        return text(f"field.{self.name}.help")

    def read(self, written: str) -> object:
        """The value of what is written.

        Raises:
            Wrong: it is none, or out of its range.
        """
        if self.name == "stop":
            return tuple(_unescape(part) for part in written.split("|") if part)
        written = written.strip()
        taken = tuple(part.strip() for part in written.split(",") if part.strip())
        if self.choices and not set(taken if self.many else [written]) <= set(self.choices):
            raise Wrong(text("field.no_choice", choices=listed(self.choices)))
        if self.many:
            return taken
        try:
            return msgspec.convert(written or None, self.kind, strict=False)
        except msgspec.ValidationError as error:
            raise Wrong(wrong(error)) from error


_ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}


def _unescape(written: str) -> str:
    return re.sub(r"\\[nt\\]", lambda found: _ESCAPES[found[0]], written)


def escape(part: str) -> str:
    """A string as the form shows it: on one line, ready to be read again."""
    for shown, meant in reversed(_ESCAPES.items()):
        part = part.replace(meant, shown)
    return part


class Form(Window[dict[str, object]]):
    """Sets a few values, each judged as it is typed. Gives them by name, or None."""

    place: ClassVar[Place | None] = "form"

    def __init__(self, fields: Sequence[Field], at: str = "", title: str = "") -> None:
        """Begin at the field of this name, or at the first one."""
        super().__init__()
        self._title = title or text("dialog.sampling")
        self._fields = {field.name: field for field in fields}
        self._at = at

    def compose(self) -> ComposeResult:
        """One row a field: what it is, its value, and what is wrong or what it means."""
        with VerticalScroll(classes="dialog", can_focus=False):
            yield Label(self._title, classes="dialog-title", markup=False)
            for field in self._fields.values():
                with Horizontal(classes="field"):
                    yield Label(text(f"field.{field.name}.name"), markup=False)
                    yield Input(
                        field.value,
                        id=f"field-{field.name}",
                        compact=True,
                        suggester=SuggestFromList(field.choices) if field.choices else None,
                    )
                    yield Static(
                        field.meaning, id=f"help-{field.name}", classes="meaning", markup=False
                    )
            yield Label(text("dialog.sampling_hint"), classes="dialog-hint", markup=False)

    def explained(self) -> Explained:
        """Every field, and what it does."""
        for name in self._fields:
            yield text(f"field.{name}.name"), text(f"field.{name}.about")

    def on_mount(self) -> None:
        """Go to the field that was asked for."""
        if self._at:
            self.query_one(f"#field-{self._at}", Input).focus()

    @on(Input.Changed)
    def _judge(self, event: Input.Changed) -> None:
        event.stop()
        field = self._field(event.input)
        label = self.query_one(f"#help-{field.name}", Static)
        try:
            field.read(event.value)
        except Wrong as wrong:
            label.update(str(wrong))
            label.add_class("wrong")
        else:
            label.update(field.meaning)
            label.remove_class("wrong")

    @on(Input.Submitted)
    def _apply(self, event: Input.Submitted) -> None:
        event.stop()
        values: dict[str, object] = {}
        for entry in self.query(Input):
            field = self._field(entry)
            try:
                values[field.name] = field.read(entry.value)
            except Wrong:
                entry.focus()
                return
        self.dismiss(values)

    def _field(self, entry: Input) -> Field:
        return self._fields[(entry.id or "").removeprefix("field-")]

    def key_up(self) -> None:
        """Go to the field above."""
        self.focus_previous(Input)

    def key_down(self) -> None:
        """Go to the field below."""
        self.focus_next(Input)


class TextDialog(Window[str]):
    """Edits one text. Gives it, or None."""

    place: ClassVar[Place | None] = "editor"

    def __init__(self, title: str, content: str) -> None:
        super().__init__()
        self._title = title
        self._editor = Composer(content)

    def compose(self) -> ComposeResult:
        """The editor under its title."""
        with Vertical(classes="dialog"):
            yield Label(self._title, classes="dialog-title", markup=False)
            yield self._editor
            yield Label(text("dialog.text_hint"), classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        """Write at once."""
        self._editor.focus()

    @on(Composer.Sent)
    def _keep(self, event: Composer.Sent) -> None:
        event.stop()
        self.dismiss(self._editor.text)

"""What happens inside a model on one text: a screen of seven views over one pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from msgspec import structs
from textual import work
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Static

from engine.messages import (
    Answer,
    Change,
    Event,
    LookInside,
    Opened,
    Patch,
    ShowAttention,
    ShowAttribution,
    ShowHead,
    ShowHeads,
    ShowLens,
    ShowTensors,
)
from tui.connection.services import Services
from tui.keys.actions import bindings
from tui.render.flow import Line
from tui.render.inside import attention, attribution, lens, numbers, tables, walk
from tui.render.inside.view import View, altered
from tui.screens.asking import AskingScreen
from tui.screens.dialogs import Ask
from tui.strings import text
from tui.terminal.sanitise import clean

_WINDOW = 128
"""Positions of attention that are asked for at once; a longer text is seen through a window."""
_TOP = 200
"""Answers that are asked for, so that those of an altered model can be compared with them."""
_LENS = 24
"""Positions of the lens that are asked for at once."""


@dataclass(frozen=True)
class Looked:
    """What is looked at: a model, and a text or two as it is fed them."""

    model: str
    text: str | list[int]
    second: str | None
    written: str
    """The text, where it is fed as ids."""


class InsideScreen(AskingScreen):
    """Shows one view at a time; each asks the engine only for what it needs."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("inside")]

    def __init__(self, shared: Services, looked: Looked) -> None:
        super().__init__(shared, text("screens.inside.title", model=clean(looked.model)))
        self._place = Static(classes="heading", markup=False)
        self._looked = looked
        ways = (shared.keymap.shown(f"inside_view_{n}") for n in range(1, len(_VIEWS) + 1))
        self._view = View(shared.glyphs, clean(looked.written), looked.second, keys=tuple(ways))
        self._showing = 0
        self._opened: Opened | None = None
        self._words: tuple[str, ...] = ()
        self._changes: list[Change] = [Change()]

    def body(self) -> Iterator[Widget]:
        """Where the cursor is and what is altered, then the page."""
        yield self._place
        yield from super().body()

    def on_mount(self) -> None:
        """Begin with the walk."""
        self._page.focus()
        self.set_interval(0.5, self._follow_load)
        self.show_and_ask()

    def _follow_load(self) -> None:
        """Show how far the model is loaded, until it answers."""
        if self._opened is None:
            self._title()

    # ------------------------------------------------------------------------- asking

    @property
    def _change(self) -> Change:
        return self._changes[-1]

    def _asks(self) -> list[LookInside]:
        """What the view needs."""
        looked, view, opened = self._looked, self._view, self._opened
        common: dict[str, Any] = {
            "model": looked.model,
            "text": looked.text,
            "second": looked.second,
            "change": self._change,
        }
        if opened is None:
            return [ShowTensors(**common, top=_TOP)]
        answers = view.position == opened.position
        place = None if answers else view.position
        tensors = ShowTensors(**common, position=place, top=_TOP)
        count = len(opened.tokens)
        head: dict[str, Any] = {"layer": view.layer, "head": view.head}
        match self._showing:
            case 3:
                first = _window(view.position, _WINDOW, count)
                window: dict[str, Any] = {"first_row": first, "rows": _WINDOW}
                window |= {"first_column": first, "columns": _WINDOW}
                return [ShowAttention(**common, **head, **window), ShowHeads(**common)]
            case 4:
                return [ShowHead(**common, **head, position=view.position)]
            case 5:
                first = _window(view.position, _LENS, count)
                part: dict[str, Any] = {"first": first, "count": _LENS, "position": view.position}
                return [ShowLens(**common, **part, words=list(self._words))]
            case 6:
                two: dict[str, Any] = dict(zip(("a", "b"), self._words, strict=False))
                at = None if opened.asks == "pair" else view.position
                return [tensors, ShowAttribution(**common, position=at, **two)]
            case _:
                return [tensors]

    def received(self, event: Event) -> None:
        """Take how many layers and tokens there are, which says what else to ask for."""
        if isinstance(event, Opened) and self._opened is None:
            self._opened, self._view.position = event, event.position

    def wanted(self) -> list[LookInside]:
        """What the model answers as it is, where it is altered, and what the view needs."""
        asks = self._asks()
        return [*self._unaltered(asks), *asks]

    def _unaltered(self, asks: list[LookInside]) -> list[LookInside]:
        tensors = [ask for ask in asks if isinstance(ask, ShowTensors) and ask.change.made]
        return [structs.replace(ask, change=Change()) for ask in tensors]

    # ------------------------------------------------------------------------ showing

    def draw(self) -> None:
        """Draw the view, and where the cursor is and what is altered."""
        view = self._view
        view.width = max(40, self._page.size.width - 1)
        view.height = max(8, self._page.size.height)
        view.change = self._change
        asks = self._asks()
        found = [self.answered(ask) for ask in asks]
        view.events = [event for events in found for event in events]
        if self._opened is not None and view.opened is None:
            view.events.insert(0, self._opened)
        before = [self.answered(ask) for ask in self._unaltered(asks)]
        view.before = next((e for events in before for e in events if isinstance(e, Answer)), None)
        self._page.put(_VIEWS[self._showing](view) or [Line()])
        self._title()

    def _title(self) -> None:
        names = [text(f"screens.inside.view_{number}") for number in range(1, len(_VIEWS) + 1)]
        labels = [f"{key} {name}".strip() for key, name in zip(self._view.keys, names, strict=True)]
        tabs = [
            f"[{each}]" if at == self._showing else f" {each} " for at, each in enumerate(labels)
        ]
        self.heading("".join(tabs))
        opened, view = self._opened, self._view
        if self.refused and opened is None:
            where = clean(self._looked.model)
        elif opened is None:
            coming = self.shared.link.progress.get(self._looked.model)
            percent = None if coming is None else coming.percent
            shown = "" if percent is None else text("header.percent", n=f"{percent:.0f}")
            where = text("screens.inside.loading", model=clean(self._looked.model), percent=shown)
        else:
            where = text(
                "screens.inside.place",
                model=clean(opened.model),
                layer=view.layer,
                layers=opened.layers - 1,
                head=view.head,
                heads=opened.heads - 1,
                position=view.position,
                count=len(opened.tokens) - 1,
                token=view.brief(opened.tokens[view.position]),
            )
        if self._change.made:
            where = text("screens.inside.altered", what=altered(self._change)) + f"  {where}"
        self._place.update(where)

    # ------------------------------------------------------------------------ actions

    def action_inside_view(self, number: int) -> None:
        """Show another view."""
        self._showing = number
        self._page.scroll_home(animate=False)
        self.show_and_ask()

    def action_inside_next(self) -> None:
        """Show the next view."""
        self.action_inside_view((self._showing + 1) % len(_VIEWS))

    def action_inside_scroll(self, by: int) -> None:
        self._page.scroll_relative(y=by, animate=False)

    def action_inside_token(self, by: int) -> None:
        """Choose another token."""
        if self._opened is not None:
            last = len(self._opened.tokens) - 1
            self._view.position = max(0, min(self._view.position + by, last))
            self.show_and_ask()

    def action_inside_layer(self, by: int) -> None:
        """Choose another layer."""
        if self._opened is not None:
            self._view.layer = (self._view.layer + by) % self._opened.layers
            self.show_and_ask()

    def action_inside_head(self, by: int) -> None:
        """Choose another head; after the last one of a layer comes the first of the next."""
        if self._opened is not None:
            heads, layers = self._opened.heads, self._opened.layers
            at = (self._view.layer * heads + self._view.head + by) % (heads * layers)
            self._view.layer, self._view.head = divmod(at, heads)
            self.show_and_ask()

    def action_inside_flip(self) -> None:
        """Show the attention to the chosen token, or from it again."""
        self._view.to_token = not self._view.to_token
        self.draw()

    def action_inside_off(self) -> None:
        """Switch the chosen head off, or on again."""
        place, heads = (self._view.layer, self._view.head), self._change.heads
        rest = [each for each in heads if each != place]
        self._alter(heads=rest if place in heads else [*heads, place])

    def action_inside_layer_off(self) -> None:
        """Switch the chosen layer off, or on again."""
        layer, layers = self._view.layer, self._change.layers
        rest = [each for each in layers if each != layer]
        self._alter(layers=rest if layer in layers else [*layers, layer])

    def action_inside_cut(self) -> None:
        """Hide the chosen token from all others, or show it again."""
        at, cut = self._view.position, self._change.cut
        self._alter(cut=[each for each in cut if each != at] if at in cut else [*cut, at])

    def _alter(self, **changed: object) -> None:
        if self._opened is not None:
            self._changes.append(structs.replace(self._change, **changed))
            self.show_and_ask()

    def action_inside_undo(self) -> None:
        """Take the last change of the model back."""
        if len(self._changes) > 1:
            self._changes.pop()
            self.show_and_ask()
        else:
            self.show_message(text("screens.inside.nothing_to_undo"))

    @work
    async def action_inside_patch(self) -> None:
        """Put the chosen layer's output for another text in place at the chosen token."""
        question = text("screens.inside.patch_question", layer=self._view.layer)
        other = await self.app.push_screen_wait(Ask(question))
        if other:
            at = self._view.position
            patch = Patch(text=other, layer=self._view.layer, source=at, position=at)
            self._alter(patch=patch)

    @work
    async def action_inside_words(self) -> None:
        """Ask which words to follow in the lens, and to compare in the attribution."""
        example = text("screens.inside.words_example")
        written = await self.app.push_screen_wait(
            Ask(text("screens.inside.words_question"), example=example)
        )
        if written is not None:
            self._words = tuple(word.strip() for word in written.split(",") if word.strip())
            self.show_and_ask()


def _window(position: int, size: int, count: int) -> int:
    """Where a window of this size begins that holds a position; it moves by half its size."""
    half = size // 2
    return max(0, min(position // half * half - half // 2, count - size))


_VIEWS: Sequence[Callable[[View], list[Line]]] = (
    walk.lines,
    tables.tokens,
    tables.tensors,
    attention.lines,
    numbers.lines,
    lens.lines,
    attribution.lines,
)

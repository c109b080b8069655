"""Help for the place that has the focus: its purpose, its keys, and the words used there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import ClassVar

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Static

from tui.connection.services import Services
from tui.keys.actions import ACTIONS, BY_ID, Action, Place, bindings, enclosing
from tui.screens.base import Overlay
from tui.screens.window import Explained, Window
from tui.strings import text

TERMS = (
    "tensor",
    "token",
    "logit",
    "softmax",
    "probability",
    "nat",
    "surprisal",
    "entropy",
    "perplexity",
    "precision",
    "top_p",
    "bert",
    "gpt",
    "embedding",
    "layer",
    "attention",
    "mask",
    "pll",
    "joint",
    "pmi",
    "next_sentence",
    "segment",
    "pk",
)
"""The words that the glossary explains."""


def here(screen: Screen[object]) -> Place:
    """The innermost place whose keys work on a screen at this moment."""
    if isinstance(screen, Window) and screen.place is not None:
        return screen.place
    places = {
        BY_ID[active.binding.id].where
        for active in screen.active_bindings.values()
        if active.binding.id in BY_ID
    }
    return max(places, key=lambda place: len(enclosing(place)), default="app")


class HelpScreen(Overlay[None]):
    """One page, longer than the screen where it must be."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("help")]

    def __init__(
        self,
        shared: Services,
        place: Place,
        usable: Callable[[Action], bool],
        explained: Explained = (),
    ) -> None:
        """Of the place's keys, those are listed that are `usable` there now; `explained` is what
        can be set there.
        """
        super().__init__(shared, text("screens.help.title", place=text(f"help.{place}.title")))
        self._place = place
        self._usable = usable
        self._explained = list(explained)

    def body(self) -> Iterator[Widget]:
        with VerticalScroll(classes="page"):
            yield Static(Group(*self._parts()))

    def on_mount(self) -> None:
        """Let the arrows scroll at once."""
        self.query_one(VerticalScroll).focus()

    async def action_help_lesson(self) -> None:
        """Open the lesson in place of the help."""
        self.dismiss(None)
        await self.app.run_action("lesson")

    def _parts(self) -> Iterator[RenderableType]:
        yield Text(text(f"help.{self._place}.text"))
        if self._explained:
            yield Text()
            yield _columns((name, Text(meaning)) for name, meaning in self._explained)
        for place in enclosing(self._place):
            actions = [each for each in ACTIONS if each.where == place and self._usable(each)]
            if actions:
                yield _heading(text(f"help.{place}.title"))
                yield _columns(self._keys(actions))
        yield _heading(text("screens.help.words"))
        yield _columns(
            (text(f"help.words.{term}.name"), Text(text(f"help.words.{term}.text")))
            for term in TERMS
        )

    def _keys(self, actions: list[Action]) -> Iterator[tuple[str, Text]]:
        """The keys of each action or family, what it does, and its name for the keymap."""
        for family, members in groupby(actions, key=lambda action: action.family or action.id):
            first, *others = members
            shown = [self.shared.keymap.shown(action.id) for action in (first, *others)]
            keys = " ".join(filter(None, shown)) or text("screens.help.no_key")
            name = f" [{family}_1 ...]" if others else f" [{family}]"
            yield keys, Text.assemble(first.help, (name, "dim"))


def _heading(title: str) -> Text:
    return Text(f"\n{title}", style="bold underline")


def _columns(rows: Iterable[tuple[str, Text]]) -> Table:
    """Names on the left, what they mean on the right, wrapped in its own column."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", min_width=12, no_wrap=True)
    grid.add_column(overflow="fold")  # a Japanese sentence has no spaces to break at
    for name, meaning in rows:
        grid.add_row(name, meaning)
    return grid

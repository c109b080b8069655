"""The three panes side by side where there is room, else the current one alone."""

from __future__ import annotations

from collections.abc import Mapping

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.dom import DOMNode
from textual.events import DescendantBlur, DescendantFocus
from textual.message import Message

from tui.cards import PANES, Pane
from tui.keys.actions import Place
from tui.panes.base import TaskPane
from tui.strings import text

SIDE_BY_SIDE = 160
"""From this many columns on, the three panes fit next to each other."""

OWN_PLACES: dict[Pane, tuple[Place, ...]] = {
    "continue": ("prompt",),
    "fill": ("masks",),
    "score": ("sides",),
}
"""The places that only one pane has."""


class PaneRow(Horizontal):
    """All panes, one of which is the current one."""

    class Turned(Message):
        """Another pane became the current one."""

    def __init__(self, panes: Mapping[Pane, TaskPane], *, beside: bool) -> None:
        """`beside`: whether the panes are side by side where there is room."""
        super().__init__(id="panes")
        self.panes = panes
        self.role: Pane = "continue"
        self._beside = beside

    @property
    def current(self) -> TaskPane:
        """The pane that keys go to."""
        return self.panes[self.role]

    def compose(self) -> ComposeResult:
        """The panes from left to right."""
        yield from self.panes.values()

    def turn_to(self, pane: Pane) -> None:
        """Make a pane the current one and go to its composer."""
        self._turn(pane)
        self.current.focus_composer()

    def turn_on(self) -> None:
        """Go round the panes."""
        self.turn_to(PANES[(PANES.index(self.role) + 1) % len(PANES)])

    def _turn(self, pane: Pane) -> None:
        self.role = pane
        self.lay_out(self.app.size.width)
        self.post_message(self.Turned())

    def toggle_beside(self) -> None:
        """Show the panes next to each other, or one at a time."""
        width = self.app.size.width
        if width < SIDE_BY_SIDE:
            self.current.notice(text("notice.narrow", n=SIDE_BY_SIDE, have=width))
            return
        self._beside = not self._beside
        self.lay_out(width)

    def lay_out(self, width: int) -> None:
        """Show the current pane, or all three, in a width in columns."""
        beside = self._beside and width >= SIDE_BY_SIDE
        for name, each in self.panes.items():
            each.display = beside or name == self.role
            each.set_class(beside, "-beside")
            each.set_class(name == self.role, "-current")

    @on(DescendantFocus)
    def _focused(self, event: DescendantFocus) -> None:
        """A click in another pane makes it the current one."""
        for name, pane in self.panes.items():
            if pane in event.widget.ancestors and name != self.role:
                self._turn(name)

    @on(DescendantBlur)
    def _left(self) -> None:
        """Let no key go nowhere: where what had the focus is gone, writing goes on."""
        self.call_after_refresh(self._hold_focus)

    def _hold_focus(self) -> None:
        if self.app.app_focus and self.screen.is_current and self.screen.focused is None:
            self.current.focus_composer()

    def places(self) -> dict[Place, DOMNode]:
        """Where the actions of the current pane are carried out."""
        pane = self.current
        places: dict[Place, DOMNode] = {"pane": pane, "transcript": pane.transcript}
        return places | dict.fromkeys(("composer", *OWN_PLACES[pane.role]), pane.composers[-1])

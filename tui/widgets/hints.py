"""The line at the bottom: the keys that matter where the focus is."""

from __future__ import annotations

from typing import Literal, Protocol, runtime_checkable

from textual.app import App
from textual.content import Content
from textual.events import Click
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

from tui.connection.services import Services
from tui.keys.actions import BY_ID, enclosing


def brief(keys: str) -> str:
    """The first of some keys, in its short form: F1, ^P."""
    first = keys.split(" ")[0]
    return f"^{first.removeprefix('Ctrl+')}" if first.startswith("Ctrl+") else first


def clickable(content: Content, action_id: str) -> Content:
    """A text that a click on it does the same as the action's key; see `clicked`."""
    return content.stylize(Style.from_meta({"action_id": action_id}))


async def clicked(event: Click, screen: Screen[object]) -> None:
    """Run the action that was clicked on, as its key would at this moment."""
    action_id = event.style.meta.get("action_id")
    for active in screen.active_bindings.values():
        if active.enabled and active.binding.id == action_id:
            event.stop()
            await screen.app.run_action(active.binding.action, active.node)
            return


Escape = Literal["", "close", "stop"]
"""What Escape does, where that is not simply to go back."""


@runtime_checkable
class Escaping(Protocol):
    """A place where Escape does different things at different times."""

    @property
    def escape(self) -> Escape:
        """What it does now."""


class Hints(Widget):
    """Lists the active keys, those of the innermost place first, as many as fit."""

    def __init__(self, shared: Services) -> None:
        super().__init__()
        self._shared = shared
        self._busy = False
        """Whether something ran when it was drawn last."""
        self._escape: Escape = ""

    def follow(self) -> None:
        """Draw again if something began or stopped to run since the last time."""
        if self._busy != bool(self._shared.running):
            self._busy = not self._busy
            self.refresh()

    def on_mount(self) -> None:
        """Follow the focus."""
        self.screen.bindings_updated_signal.subscribe(self, self._changed)

    async def on_click(self, event: Click) -> None:
        """A click on a hint is its key."""
        await clicked(event, self.screen)

    def _changed(self, screen: Screen[object]) -> None:
        self.refresh()

    def render(self) -> Content:
        """The hints in one line; the last ones stay, since they lead to all the others."""
        app: App[object] = self.app
        if not app.is_running:
            return Content("")
        ids: list[str] = []
        for active in self.screen.active_bindings.values():
            action = BY_ID.get(active.binding.id or "")
            if action is None or not active.enabled or action.id in ids:
                continue
            # How to stop matters only while there is something to stop.
            if action.id == "stop":
                node = active.node
                self._escape = node.escape if isinstance(node, Escaping) else ""
            if action.show or (action.id == "stop" and self._escape):
                ids.append(action.id)
        ids.sort(key=lambda i: -len(enclosing(BY_ID[i].where)))
        # The outermost place's keys lead everywhere else, or back: they are always shown.
        outermost = min((len(enclosing(BY_ID[i].where)) for i in ids), default=0)
        outer = [i for i in ids if len(enclosing(BY_ID[i].where)) == outermost]
        # Of the others, what nobody can do without comes first.
        inner = sorted((i for i in ids if i not in outer), key=lambda i: not BY_ID[i].required)
        room = self.size.width
        kept: list[Content] = []
        tail = [self._hint(i) for i in outer]
        while len(tail) > 1 and sum(hint.cell_length for hint in tail) > room:
            del tail[-2]  # the first is help, the last one leaves
        used = sum(hint.cell_length for hint in tail)
        for hint in map(self._hint, inner):
            if used + hint.cell_length <= room:
                kept.append(hint)
                used += hint.cell_length
        return Content("").join([*kept, *tail])

    def _hint(self, action_id: str) -> Content:
        key = brief(self._shared.keymap.shown(action_id))
        title = BY_ID[action_id].title
        if action_id == "stop" and self._escape == "close":
            title = BY_ID["close"].title
        hint = Content.assemble((f" {key} ", "bold"), (f"{title} ", "$text-muted"))
        return clickable(hint, action_id)

"""The parts of a pane and their places: cards above, composers below, details beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import Static

from tui.cards import Pane
from tui.connection.services import Services
from tui.strings import text
from tui.widgets.composer import Composer
from tui.widgets.inspector import Inspector
from tui.widgets.transcript import Transcript

WIDE = 110
"""The columns from which the inspector is beside the cards."""


class PaneLayout(Horizontal):
    """A transcript, a line for notices, composers and an inspector."""

    def __init__(self, shared: Services, role: Pane, composers: Iterable[Composer]) -> None:
        super().__init__(id=f"pane-{role}")
        self.shared = shared
        slow = shared.settings.slow_link()
        self.transcript = Transcript(shared.glyphs, jump=slow)
        self.inspector = Inspector(shared.glyphs)
        self.composers = list(composers)
        for composer in self.composers:
            composer.cursor_blink = not slow  # each blink is sent
        self._notice = Static(classes="notice", markup=False)
        self._below = Static(classes="below", markup=False)
        self._holds: Callable[[], bool] | None = None
        """Whether the notice still holds; None where it does until the next thing is done."""

    def compose(self) -> ComposeResult:
        """Lay the parts out."""
        with Vertical(classes="main"):
            yield self.transcript
            yield self._below
            yield self._notice
            yield from self.aids()
            yield from self.composers
        yield self.inspector

    def aids(self) -> Iterator[Widget]:
        """The widgets above the composers."""
        yield from ()

    def on_mount(self) -> None:
        """Show an empty notice."""
        self._below.update(self._more_below)
        self._below.display = False
        self.notice("")

    @property
    def _more_below(self) -> str:
        return text("notice.below")

    def reword(self) -> None:
        """Write everything anew in another language; a passing notice goes."""
        self.transcript.reword()
        self.inspector.reword()
        self._below.update(self._more_below)
        self.notice("")

    def notice(self, message: str, holds: Callable[[], bool] | None = None) -> None:
        """Show a line above the composer, for as long as it `holds`; "" takes it away."""
        self._notice.update(message)
        self._notice.display = bool(message)
        self._holds = holds

    def drop_notice(self) -> None:
        """Take a notice away that holds no longer."""
        if self._holds is not None and not self._holds():
            self.notice("")

    def focus_composer(self) -> None:
        """Go back to writing, at once: the keys that are on their way are meant for it."""
        self.transcript.leave()
        self.screen.set_focus(self.composers[0])

    def on_resize(self, event: Resize) -> None:
        """Put the inspector beside the cards or over them."""
        wide = self.size.width >= WIDE
        self.set_class(not wide, "-narrow")
        self.inspector.place(beside=wide)

    def close_inspector(self) -> bool:
        """Hide the details where they lie over the cards; False if they do not."""
        if not self.inspector_over:
            return False
        self.toggle_inspector()
        return True

    @property
    def inspector_over(self) -> bool:
        """Whether the details lie over the cards."""
        return bool(self.inspector.wanted) and self.has_class("-narrow")

    def toggle_inspector(self) -> None:
        """Show or hide the details; what was focused there is nothing that keys could reach."""
        left = self.inspector.has_focus and self.inspector.display
        self.inspector.toggle()
        if left:
            self.focus_composer()
        self.refresh_bindings()

    @on(Transcript.Moved)
    def _inspect(self, event: Transcript.Moved) -> None:
        event.stop()
        self.inspector.show(self.transcript.card, self.transcript.ref)

    @on(Transcript.Below)
    def _cue(self, event: Transcript.Below) -> None:
        event.stop()
        self._below.display = event.below

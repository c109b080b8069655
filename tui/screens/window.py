"""What everything that opens over something else has in common: it closes once, and has help."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar, TypeVar

from textual.await_complete import AwaitComplete
from textual.binding import BindingType
from textual.screen import ModalScreen

from tui.keys.actions import Place, bindings

_Result = TypeVar("_Result")

Explained = Iterable[tuple[str, str]]
"""Names, and what each means."""


class Window(ModalScreen[_Result | None]):
    """Ends with a result, or with None when it is closed."""

    CSS_PATH = Path(__file__).with_name("screens.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("screen")]
    place: ClassVar[Place | None] = "dialog"
    """Where its help is; None: where the keys in use are."""

    def explained(self) -> Explained:
        """What can be set in it, for its help."""
        return ()

    def action_close(self) -> None:
        """Close it without a result."""
        self.dismiss(None)

    def dismiss(self, result: _Result | None = None) -> AwaitComplete:
        """Close with a result; do nothing if it is closed already.

        A second Enter that follows at once, as keys do on a slow line, still reaches the window
        that the first one closed. Textual would close whatever lies below it, and ends the app
        where that is the last screen.
        """
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

"""What everything that opens over something else has in common: it closes once."""

from __future__ import annotations

from typing import TypeVar

from textual.await_complete import AwaitComplete
from textual.screen import ModalScreen

_Result = TypeVar("_Result")


class Window(ModalScreen[_Result | None]):
    """Ends with a result, or with None when it is closed."""

    def dismiss(self, result: _Result | None = None) -> AwaitComplete:
        """Close with a result; do nothing if it is closed already.

        A second Enter that follows at once, as keys do on a slow line, still reaches the window
        that the first one closed. Textual would close whatever lies below it, and ends the app
        where that is the last screen.
        """
        return super().dismiss(result) if self.app.screen is self else AwaitComplete()

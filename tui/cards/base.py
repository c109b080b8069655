"""What every card has."""

from __future__ import annotations

import time
import uuid
from typing import Literal

from msgspec import Struct, field

from engine.messages import Done, Error, Event, Precision, Timing

Pane = Literal["continue", "fill", "score"]
PANES: tuple[Pane, ...] = ("continue", "fill", "score")
"""In the order of their keys."""
Status = Literal["running", "done", "cancelled", "failed", "interrupted"]
"""`interrupted`: the app or the worker ended before the answer did."""


def _new_id() -> str:
    return uuid.uuid4().hex


class BaseCard(Struct, kw_only=True):
    """What every card has."""

    id: str = field(default_factory=_new_id)
    created: float = field(default_factory=time.time)
    """Seconds since 1970."""
    title: str = ""
    """The model's name for people; its id is in the request."""
    revision: str = ""
    precision: Precision | Literal[""] = ""
    """The form of the weights that answered; empty until the answer says it."""
    weights: str = ""
    """How their file stored them, where that was not as they are: "Q4_1"."""
    status: Status = "running"
    error: Error | None = None
    timing: Timing = Timing()

    def end(self, event: Event) -> None:
        """Store the event that ends every answer."""
        if isinstance(event, Done):
            self.status = "cancelled" if event.finish == "cancelled" else "done"
            self.timing = event.timing
        elif isinstance(event, Error):
            self.status = "interrupted" if event.kind == "worker_died" else "failed"
            self.error = event

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        raise NotImplementedError

    def interrupt(self) -> None:
        """Mark a card that was running when its process ended."""
        if self.status == "running":
            self.status = "interrupted"

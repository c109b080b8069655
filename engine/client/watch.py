"""Whether a worker hangs: when to report that it is silent, and when to kill it.

Counts ticks rather than seconds, so that a front end that was itself suspended does not blame the
worker.
"""

from __future__ import annotations

from collections.abc import Container

from engine.errors import failure
from engine.messages import Error, Event, Message, Pong

TICK_S = 0.5
"""Interval between checks that the worker still responds."""
SILENT_S = 10.0
"""A worker whose scheduler has not answered a ping for this long is ``silent``."""
STALLED_S = 60.0
"""A worker that answers pings but has sent no results for this long is ``silent`` too."""
RELUCTANT_S = 2.0
"""A worker that has not stopped a cancelled request after this long is ``silent`` too."""
START_S = 60.0
"""A worker that is not ready after this long is killed."""
CANCEL_S = 8.0
"""A worker that has not stopped a cancelled request after this long is killed."""


class Watch:
    """Counts the ticks since one worker last answered, moved on and was asked to stop."""

    def __init__(self, configure_id: int) -> None:
        """The answer to `configure_id` is the first that is waited for."""
        self._ping = configure_id
        """Id of the pending ping; 0 without one."""
        self._unanswered = 0
        """Ticks since that ping was sent."""
        self._idle = 0
        """Ticks since the last result."""
        self._cancelled: dict[int, int] = {}
        """Ticks since each request was cancelled whose answer has not ended yet."""

    def tick(self, *, working: bool) -> None:
        """Count one tick; `working`: some request has not been answered."""
        for request_id in self._cancelled:
            self._cancelled[request_id] += 1
        self._unanswered += 1 if self._ping else 0
        self._idle = self._idle + 1 if working else 0

    @property
    def pinged(self) -> bool:
        """Whether a ping is pending."""
        return self._ping != 0

    def ping(self, request_id: int) -> None:
        """Wait for the answer to a ping."""
        self._ping = request_id

    def moved(self, request_id: int, event: Event) -> None:
        """Record that the worker has sent something."""
        if request_id == self._ping:
            self._ping = self._unanswered = 0
        if not isinstance(event, Pong):
            self._idle = 0

    def cancelled(self, request_id: int) -> None:
        """Record that the worker was asked to stop working on a request."""
        self._cancelled[request_id] = 0

    @property
    def stopping(self) -> Container[int]:
        """The requests that were cancelled and have not ended."""
        return self._cancelled

    def ended(self, request_id: int) -> None:
        """Record that the answer to a request ended."""
        self._cancelled.pop(request_id, None)

    def hangs(self, *, serving: bool) -> Message | None:
        """Why the worker must be killed, if it must; `serving`: it takes requests."""
        if not serving and self._unanswered * TICK_S >= START_S:
            return Message.of("reason.slow_start", seconds=START_S)
        if self._reluctant_s >= CANCEL_S:
            return Message.of("reason.slow_stop", seconds=CANCEL_S)
        return None

    def silent(self) -> Error | None:
        """Why the worker counts as silent, if it does."""
        if self._reluctant_s >= RELUCTANT_S:
            left = CANCEL_S - RELUCTANT_S
            return failure("worker_died", "not_stopped", seconds=left)
        if self._unanswered * TICK_S >= SILENT_S:
            return failure("worker_died", "silent", seconds=SILENT_S)
        if self.stalled:
            return failure("worker_died", "stalled", seconds=STALLED_S)
        return None

    @property
    def stalled(self) -> bool:
        """Whether it has sent no results for so long that it may hang."""
        return self._idle * TICK_S >= STALLED_S

    @property
    def well(self) -> bool:
        """Whether the worker answers again."""
        return self._unanswered == 0 and not self.stalled

    @property
    def _reluctant_s(self) -> float:
        return max(self._cancelled.values(), default=0) * TICK_S

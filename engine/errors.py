"""The one exception that engine code raises on purpose."""

from __future__ import annotations

from engine.messages import Error


class EngineError(Exception):
    """Something a person can act on: it leaves the worker as an `Error`, never a traceback."""

    def __init__(self, event: Error) -> None:
        super().__init__(event.message)
        self.event = event

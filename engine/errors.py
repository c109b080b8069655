"""The one exception that engine code raises on purpose, and the error shown for all others."""

from __future__ import annotations

import re

from engine.messages import Error


class EngineError(Exception):
    """A failure the user can act on. It leaves the worker as an `Error`, never a traceback."""

    def __init__(self, event: Error) -> None:
        super().__init__(event.message)
        self.event = event


INTERNAL = Error(
    kind="internal",
    message="The engine could not answer this because of an internal error.",
    hint="Try another input or another model.",
)
"""The error for an unexpected exception; `engine.client` adds the path of the log."""

_NO_MEMORY = re.compile(
    r"allocate memory|out of memory|bad_alloc|start new thread|map segment", re.I
)
"""How libraries report it, in exceptions of several types."""


def explain(error: BaseException) -> Error:
    """The error to show to the user for an exception."""
    if isinstance(error, EngineError):
        return error.event
    if lacks_memory(error):
        return Error(
            kind="too_big",
            message="The machine is out of memory.",
            hint="Unload a model, close other programs, or use a smaller model or a shorter text.",
        )
    return INTERNAL


def lacks_memory(error: BaseException) -> bool:
    """Whether the machine had no more memory to give."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None

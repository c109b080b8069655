"""The one exception that engine code raises on purpose, and what to say of all others."""

from __future__ import annotations

import re

from engine.messages import Error


class EngineError(Exception):
    """Something a person can act on: it leaves the worker as an `Error`, never a traceback."""

    def __init__(self, event: Error) -> None:
        super().__init__(event.message)
        self.event = event


INTERNAL = Error(
    kind="internal",
    message="The engine has a fault that kept it from answering this.",
    hint="Ask something else, or take another model.",
)
"""What is said of an exception that nobody foresaw; `engine.client` adds where the log is."""

_NO_MEMORY = re.compile(
    r"allocate memory|out of memory|bad_alloc|start new thread|map segment", re.I
)
"""How libraries say it, in exceptions of several kinds."""


def explain(error: BaseException) -> Error:
    """What to show of an exception to a person who cannot read tracebacks."""
    if isinstance(error, EngineError):
        return error.event
    if lacks_memory(error):
        return Error(
            kind="too_big",
            message="The machine has no more memory to give.",
            hint="Unload a model, close other programs, or take a smaller model or a shorter text.",
        )
    return INTERNAL


def lacks_memory(error: BaseException) -> bool:
    """Whether the machine had no more memory to give."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None

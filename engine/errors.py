"""The one exception that engine code raises on purpose, and what to say of all others."""

from __future__ import annotations

import re

from engine.messages import Error


class EngineError(Exception):
    """Something a person can act on: it leaves the worker as an `Error`, never a traceback."""

    def __init__(self, event: Error) -> None:
        super().__init__(event.message)
        self.event = event


_NO_MEMORY = re.compile(
    r"allocate memory|out of memory|bad_alloc|start new thread|map segment", re.I
)
"""How libraries say it, in exceptions of several kinds."""


def explain(error: BaseException) -> Error:
    """What to show of an exception to a person who cannot read tracebacks."""
    if isinstance(error, EngineError):
        return error.event
    if _is_memory(error):
        return Error(
            kind="too_big",
            message="The machine has no more memory to give.",
            hint="Unload a model, close other programs, or take a smaller model or a shorter text.",
        )
    return Error(
        kind="internal",
        message=f"The engine failed: {reason(error)}",
        hint="The details are in the engine's log.",
    )


def reason(error: BaseException) -> str:
    """The same in half a sentence."""
    if isinstance(error, EngineError) or _is_memory(error):
        return explain(error).message
    return str(error).strip().partition("\n")[0] or "it gave no reason."


def _is_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None

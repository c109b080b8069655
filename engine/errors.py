"""The exceptions that engine code raises on purpose, and the error shown for all others."""

from __future__ import annotations

import re

from engine.messages import Error, ErrorKind, Message


class EngineError(Exception):
    """A failure the user can act on. It leaves the worker as an `Error`, never a traceback."""

    def __init__(self, event: Error) -> None:
        super().__init__(str(event.message))
        self.event = event


class Fault(Exception):
    """What is wrong with a file or a message; a refusal gives it as its reason."""

    def __init__(self, reason: str | Message, /, **arguments: object) -> None:
        """Give the reason by its id and arguments, or as a message."""
        self.reason = Message.of(reason, **arguments) if isinstance(reason, str) else reason
        super().__init__(str(self.reason))


def failure(kind: ErrorKind, name: str, /, **arguments: object) -> Error:
    """The error whose two sentences, `message` and `hint`, have this name."""
    return Error(
        kind=kind,
        message=Message.of(f"{name}.message", **arguments),
        hint=Message.of(f"{name}.hint", **arguments),
    )


def refusal(kind: ErrorKind, name: str, /, **arguments: object) -> EngineError:
    """The same, to be raised."""
    return EngineError(failure(kind, name, **arguments))


INTERNAL = failure("internal", "internal")
"""The error for an unexpected exception; `engine.client` adds the path of the log."""

_NO_MEMORY = re.compile(
    r"allocate memory|out of memory|bad_alloc|start new thread|map segment"
    r"|STATUS_ALLOC_FAILED|CUBLAS_STATUS_NOT_INITIALIZED",
    re.I,
)
"""How libraries report it, in exceptions of several types; the last two are those of a full GPU."""


def explain(error: BaseException) -> Error:
    """The error to show to the user for an exception."""
    if isinstance(error, EngineError):
        return error.event
    if lacks_memory(error):
        return failure("too_big", "out_of_memory")
    return INTERNAL


def lacks_memory(error: BaseException) -> bool:
    """Whether the machine, or its GPU, had no more memory to give."""
    return isinstance(error, MemoryError) or _NO_MEMORY.search(str(error)) is not None

"""How a command ends: its exit code, and its message when it fails."""

from __future__ import annotations

from enum import IntEnum

from engine.messages import Error
from tui.strings import worded


class Exit(IntEnum):
    """The exit codes that scripts can rely on."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    INTERRUPTED = 130
    UNREAD = 141
    """The reader of standard output went away, as `head` does: what a shell reports of SIGPIPE."""


_WRONG_USE = frozenset({"bad_request", "unknown_model"})
"""Errors of the engine that another command line would cure."""

_OF_TEXT = frozenset({"bad_request", "too_long", "internal"})
"""Errors of the engine that another text need not have."""


class Failure(Exception):
    """Ends the command: a line on stderr that says what, one that says what to do, a code."""

    def __init__(
        self,
        message: str,
        hint: str = "",
        code: Exit = Exit.FAILED,
        of_text: bool = False,
        lost: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.of_text = of_text
        """Whether the text is at fault, so that the same command may go on with the next one."""
        self.lost = lost
        """Whether the engine is gone, so that another may answer instead."""

    @classmethod
    def usage(cls, message: str, hint: str = "") -> Failure:
        """The command line asks for something that cannot be."""
        return cls(message, hint, Exit.USAGE)

    @classmethod
    def from_error(cls, error: Error) -> Failure:
        """The engine's answer to a request that failed."""
        code = Exit.USAGE if error.kind in _WRONG_USE else Exit.FAILED
        return cls(
            worded(error.message),
            worded(error.hint),
            code,
            of_text=error.kind in _OF_TEXT,
            lost=error.kind == "worker_died",
        )

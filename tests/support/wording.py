"""What the user reads of the engine's messages, in English: tests look for facts in it."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.errors import EngineError, Fault
from tui.strings import worded


def said(error: BaseException) -> str:
    """The message of an exception, as the front writes it."""
    match error:
        case EngineError():
            return worded(error.event.message)
        case Fault():
            return worded(error.reason)
        case _:
            return str(error)


def says(pattern: str) -> Callable[[BaseException], bool]:
    """For `pytest.raises(..., check=says("pickle"))`: whether its message has this in it."""
    return lambda error: re.search(pattern, said(error)) is not None

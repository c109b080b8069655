"""How the long work of a pull tells where it is."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Protocol

from engine.errors import EngineError
from engine.machine.memory import available
from engine.messages import Error, State
from engine.messages.units import size

_SPARE = 64 * 1024 * 1024
"""Bytes of disk that a pull leaves free."""


class Report(Protocol):
    """Takes the state of the model in work; `done` and `total` are bytes."""

    def __call__(
        self, state: State, stage: str, done: int | None = None, total: int | None = None
    ) -> None:
        """Tell it to whoever asked for the pull."""


def require_space(folder: Path, needed: int) -> None:
    """See that the disk holds so many bytes more, before any is fetched.

    Raises:
        EngineError: unable, it does not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise EngineError(
            Error(
                kind="unable",
                message=f"The disk has {size(free)} free; {size(needed)} are needed.",
                hint=f"Make room on the disk of {folder}.",
            )
        )


def require_memory(needed: int) -> None:
    """See that this machine has so many bytes of memory, before any is taken.

    Raises:
        EngineError: too_big, it has not.
    """
    free = available()
    if free < needed:
        raise EngineError(
            Error(
                kind="too_big",
                message=f"Converting it needs about {size(needed)} of memory; "
                f"{size(free)} are free.",
                hint="Take a smaller model, or close other programs.",
            )
        )

"""Progress reports of a pull, and checks for disk space and memory."""

from __future__ import annotations

import platform
import shutil
from pathlib import Path
from typing import Protocol

from engine.errors import refusal
from engine.machine.memory import available
from engine.messages import State, Words

_SPARE = 64 * 1024 * 1024
"""Bytes of disk space that a pull leaves free."""


class Report(Protocol):
    """A callback for the state of a pull; `done` and `total` are in bytes."""

    def __call__(
        self, state: State, stage: Words, done: int | None = None, total: int | None = None
    ) -> None:
        """Report it to whoever requested the pull."""


def require_space(folder: Path, needed: int) -> None:
    """Check that the disk has this many bytes free, before downloading anything.

    Raises:
        EngineError: unable, if it does not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise refusal(
            "unable", "disk_full", free=free, needed=needed + _SPARE, folder=located(folder)
        )


def located(folder: Path) -> str:
    """A folder of this machine, for a person who may be at another."""
    return f"{platform.node()}:{folder}"


def require_memory(needed: int) -> None:
    """Check that this machine has this many bytes of memory free.

    Raises:
        EngineError: too_big, if it does not.
    """
    free = available()
    if free < needed:
        raise refusal("too_big", "conversion_too_big", free=free, needed=needed)

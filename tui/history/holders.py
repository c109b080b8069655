"""Which process has a session open: recorded in the file, and true only while it runs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import psutil


def held(path: Path) -> bool:
    """Whether a running app has a session of this file open. The file is only read."""
    if not path.is_file():
        return False
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
        ) as connection:
            holders = connection.execute("SELECT DISTINCT holder FROM sessions").fetchall()
    except sqlite3.Error:  # no file that an app would work with
        return False
    return any(alive(holder) for (holder,) in holders)


def process(pid: int) -> str:
    """Names a process for good: its number alone is given to another one some day."""
    return f"{pid}:{psutil.Process(pid).create_time():.0f}"


def alive(holder: str | None) -> bool:
    """Whether the process that is named so still runs."""
    if not isinstance(holder, str):
        return False
    try:
        return process(int(holder.partition(":")[0])) == holder
    except (psutil.Error, ValueError, OverflowError):
        return False

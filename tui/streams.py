"""The three standard streams, where whoever started the program closed some of them."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

MODES = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_RDWR}
"""How what stands in for a closed descriptor is opened: reading what cannot be read and writing
what cannot be written are errors, and narration without a reader is none."""


def complete() -> None:
    """See that all three are open: else the next file opened would take a closed one's place.

    Python has no stream at all for a closed descriptor; it gets one.
    """
    for number, mode in MODES.items():
        try:
            os.fstat(number)
        except OSError:
            # The lowest free descriptor is this one, as those below are open by now.
            os.open(os.devnull, mode)
            os.set_inheritable(number, True)
    if sys.stdin is None:
        sys.stdin = sys.__stdin__ = _text(0, "rb")
    if sys.stdout is None:
        sys.stdout = sys.__stdout__ = _text(1, "wb")
    if sys.stderr is None:
        sys.stderr = sys.__stderr__ = _text(2, "wb")


def forget(stream: TextIO) -> None:
    """Let a stream whose reader went away lead nowhere: what it still holds is tried at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _text(number: int, mode: str) -> io.TextIOWrapper:
    raw = io.FileIO(number, mode, closefd=False)
    buffer = io.BufferedReader(raw) if mode == "rb" else io.BufferedWriter(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="replace", line_buffering=number == 2)

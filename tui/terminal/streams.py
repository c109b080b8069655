"""The three standard streams, where whoever started the program closed some of them."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

MODES = {0: os.O_WRONLY, 1: os.O_RDONLY, 2: os.O_RDWR}
"""How the substitute for a closed descriptor is opened: reading what cannot be read and writing
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
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:
            stream = _text(number)
            setattr(sys, name, stream)
            setattr(sys, f"__{name}__", stream)


def forget(stream: TextIO) -> None:
    """Let a stream whose reader went away lead nowhere: what it still holds is tried at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _text(number: int) -> io.TextIOWrapper:
    raw = io.FileIO(number, "wb" if number else "rb", closefd=False)
    buffer = io.BufferedWriter(raw) if number else io.BufferedReader(raw)
    return io.TextIOWrapper(buffer, encoding="utf-8", errors="replace", line_buffering=number == 2)

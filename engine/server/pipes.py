"""The worker's two ends of the wire, kept out of reach of the libraries that print and phone."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
from collections.abc import MutableMapping
from typing import BinaryIO

from engine import wire
from engine.messages import Event

log = logging.getLogger(__name__)

_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
}


def claim() -> tuple[BinaryIO, int]:
    """Move standard input and output aside; return a stream of requests and a descriptor.

    From then on descriptor 0 is empty and descriptor 1 is standard error, which is the log: what
    a library prints, from Python or from C, cannot get between the frames. The descriptors
    returned are not inherited by child processes.
    """
    requests = os.fdopen(os.dup(0), "rb")
    events = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, events


def end_with_parent() -> None:
    """Have the system kill this process when the one that started it ends, where it can (Linux).

    The end of input says the same everywhere, but waits for a thread's turn, which a library that
    cuts a text of megabytes keeps for seconds.
    """
    if sys.platform == "linux":
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def go_offline(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Forbid the network to the libraries of this process; return the environment as it was."""
    original = dict(environ)
    environ.update(_OFFLINE)
    return original


class EventWriter:
    """Writes frames whole, from any thread, one after the other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lock = threading.Lock()

    def send(self, request_id: int, event: Event) -> None:
        """Write one event. When nobody reads any more there is nobody to serve: ends the process.

        Waits while the pipe is full, which is what slows a task down to its reader's pace.

        Raises:
            wire.Unsendable: there is no writing this event down.
        """
        rest = memoryview(wire.encode(request_id, event))
        with self._lock:
            try:
                while rest:
                    rest = rest[os.write(self._descriptor, rest) :]
            except BrokenPipeError:
                os._exit(0)

    def broadcast(self, event: Event) -> None:
        """Write one event for everybody; one that cannot be written down is nobody's loss."""
        try:
            self.send(0, event)
        except wire.Unsendable as fault:
            log.error("%s cannot be sent: %s", type(event), fault)

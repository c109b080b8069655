"""The worker's two pipes, protected from libraries that print, and from network access."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import MutableMapping
from typing import BinaryIO, NoReturn

from engine import finite, wire
from engine.errors import EngineError
from engine.messages import Event, Token

log = logging.getLogger(__name__)

APART_S = 1 / 12
"""Between two writes of tokens: eyes need no more, and each wakes the front end, which takes a core
from the threads that compute."""

_SETTINGS = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "DO_NOT_TRACK": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_NO_ADVISORY_WARNINGS": "1",
    # numpy, where it is imported, sets this if nobody has, and takes it back: while another thread
    # starts a process or reads a variable, neither of which is safe then.
    "OPENBLAS_MAIN_FREE": "1",
}


def claim() -> tuple[BinaryIO, int]:
    """Take over standard input and output; return a stream of requests and a descriptor.

    Afterwards descriptor 0 is empty and descriptor 1 is standard error, which is the log: what a
    library prints, from Python or from C, cannot end up between the frames. Child processes do
    not inherit the returned descriptors.
    """
    requests = os.fdopen(os.dup(0), "rb")
    events = os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, events


def end_with_parent() -> None:
    """Have the system kill this process when its parent ends, where supported (Linux).

    The end of input signals the same everywhere, but is noticed only when a thread gets its turn,
    which can take seconds while a library tokenizes megabytes of text.
    """
    if sys.platform == "linux":
        set_death_signal = 1
        ctypes.CDLL(None).prctl(set_death_signal, signal.SIGKILL)


def go_offline(environ: MutableMapping[str, str]) -> dict[str, str]:
    """Set what this process's libraries read from its environment, above all that they stay
    offline; return the environment as it was before."""
    original = dict(environ)
    environ.update(_SETTINGS)
    return original


class EventWriter:
    """Writes whole frames, one after the other. Thread-safe.

    Tokens that come fast are held and written together; all else is written at once, after them.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._changed = threading.Condition()
        self._held = bytearray()
        self._due = 0.0
        """When tokens can be written again, on the monotonic clock."""
        threading.Thread(target=self._write_held, name="writer", daemon=True).start()

    def send(self, request_id: int, event: Event) -> None:
        """Write one event; end the process if the front end no longer reads.

        Blocks while the pipe is full, which slows a task down to its reader's pace.

        Raises:
            wire.Unsendable: the event cannot be encoded.
            EngineError: a number in it is NaN or infinite.
        """
        packed = wire.pack(event)
        finite.check(event, packed)
        frame = wire.framed(request_id, packed)
        with self._changed:
            self._held += frame
            if not isinstance(event, Token):
                self._write()
            elif time.monotonic() >= self._due:
                self._write_tokens()
            elif len(self._held) == len(frame):
                self._changed.notify()

    def _write_held(self) -> NoReturn:
        """Write what is held as soon as it is due: the next token may be long in coming."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._held)
                self._changed.wait(self._due - time.monotonic())
                if self._held and time.monotonic() >= self._due:
                    self._write_tokens()

    def _write_tokens(self) -> None:
        self._due = time.monotonic() + APART_S
        self._write()

    def _write(self) -> None:
        """Write all that is held. Needs the lock, as does `_write_tokens`."""
        rest, self._held = memoryview(self._held), bytearray()
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except BrokenPipeError:
            os._exit(0)

    def broadcast(self, event: Event) -> None:
        """Write one event with request id 0; an event that cannot be encoded is dropped."""
        try:
            self.send(0, event)
        except (wire.Unsendable, EngineError) as fault:
            log.error("%s cannot be sent: %s", type(event), fault)

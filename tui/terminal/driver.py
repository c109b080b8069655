"""What comes from the terminal, made safe: the one place that changes Textual's driver.

Textual 8.2.8 trusts its terminal: a byte that is no UTF-8 or a sequence with an impossible number
ends the app, an escape character inside a paste lets what follows act as keys, and a terminal that
is gone keeps the app busy for ever (https://github.com/Textualize/textual/issues/6690).
"""

from __future__ import annotations

import os
import re
import select
import sys
import time
from codecs import getincrementaldecoder
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from functools import partial
from io import TextIOWrapper
from typing import Any, Final, TextIO, cast

import psutil
from textual import events
from textual._parser import Peek1, Read1, TokenCallback
from textual._xterm_parser import BRACKETED_PASTE_END, BRACKETED_PASTE_START, XTermParser
from textual.app import App
from textual.drivers.linux_driver import LinuxDriver
from textual.message import Message

from tui.terminal.sanitise import whole

READ_BYTES: Final = 65536
TICK_S: Final = 0.1
LETTER_S: Final = 0.5
"""The bytes of one letter lie less far apart."""
BURST: Final = re.compile(r"[^\x00-\x1f\x7f-\x9f]{32,}")
"""More letters at once than hands can type."""
PASTE_S: Final = 2.0
"""A paste that has been silent for so long has lost its end."""


class Key(events.Key):
    """A key whose every character is text, but for those that ASCII calls controls.

    Textual drops what Python does not call printable: the wide space of Japanese, the joiners of
    Persian and Indic scripts, private use and all that Python's Unicode is too old for. (It finds
    the handlers of an event by the name of its class, so this one has the name of Textual's.)
    """

    @property
    def is_printable(self) -> bool:
        """Whether the key writes something."""
        return self.character is not None and self.character >= " " and self.character != "\x7f"


class TerminalParser(XTermParser):
    """Textual's parser, which is kept from pasted text and outlives what it cannot read."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._paste: list[str] | None = None
        """What has come of a paste, while one is going on."""
        self._tail = ""
        """The last characters, with which the mark of a paste may have begun."""

    @property
    def pasting(self) -> bool:
        """Whether the end of a paste is awaited."""
        return self._paste is not None

    def feed(self, data: str) -> Iterable[Message]:
        """Read keys and pastes; an empty string ends the input."""
        if not data:
            yield from super().feed(data)
        while data:
            mark = BRACKETED_PASTE_START if self._paste is None else BRACKETED_PASTE_END
            found = (self._tail + data).find(mark)
            end = len(data) if found < 0 else found + len(mark) - len(self._tail)
            part, data = data[:end], data[end:]
            self._tail = (self._tail + part)[1 - len(mark) :] if found < 0 else ""
            if self._paste is not None:
                self._paste.append(part)
                if found >= 0:
                    yield from self.end_paste()
            else:
                yield from self._typed(part)
                if found >= 0:
                    self._paste = []

    def end_paste(self) -> Iterator[Message]:
        """Give what was pasted, also where its end has not come."""
        text = "".join(self._paste or []).removesuffix(BRACKETED_PASTE_END)
        self._paste, self._tail = None, ""
        yield from self._keys(BRACKETED_PASTE_END)
        yield events.Paste(text)

    def parse(self, token_callback: TokenCallback[Message]) -> Generator[Read1 | Peek1, str, None]:
        """Textual's parser: its keys as ours, and without the pastes, of which it sees no text."""

        def report(found: Message) -> None:
            if isinstance(found, events.Key):
                found = Key(found.key, None if found.character is None else whole(found.character))
            if not isinstance(found, events.Paste):
                token_callback(found)

        return super().parse(report)

    def _typed(self, data: str) -> Iterator[Message]:
        """Read what came at once; a burst of letters is a paste, though nothing marks it as one.

        As keys, its letters would run commands. A letter that is held down comes in bursts, too.
        """
        done = 0
        if "\x1b" not in data and self._awaiting.timeout is None:  # no part of a sequence
            for burst in BURST.finditer(data):
                if len(set(burst[0])) > 2:
                    yield from self._keys(data[done : burst.start()])
                    yield events.Paste(burst[0])
                    done = burst.end()
        yield from self._keys(data[done:])

    def _keys(self, data: str) -> Iterator[Message]:
        for character in data:
            try:
                yield from super().feed(character)
            except (ValueError, ArithmeticError):
                # A sequence that names no character or an empty screen; the next is read afresh.
                self._gen = self.parse(self._tokens.append)
                self._awaiting = next(self._gen)


class TerminalGone(Message):
    """There is nobody any more who could read or write here."""


class Output:
    """Where the screen is drawn, for Textual's thread that writes: silent once that fails."""

    def __init__(self, file: TextIO, on_failure: Callable[[], None]) -> None:
        self._file = file
        self._on_failure = on_failure
        self._failed = False

    def fileno(self) -> int:
        """The descriptor of the terminal."""
        return self._file.fileno()

    def write(self, text: str) -> None:
        """Draw, if anybody is there."""
        self._try(partial(self._file.write, text))

    def flush(self) -> None:
        """Send what has been drawn."""
        self._try(self._file.flush)

    def _try(self, send: Callable[[], object]) -> None:
        if self._failed:
            return
        try:
            send()
        except BlockingIOError:
            pass  # another program has made the terminal impatient; it is still there
        except OSError:
            self._failed = True
            self._on_failure()


class TerminalDriver(LinuxDriver):
    """Textual's driver with our parser; every byte is something to show, and an end is an end.

    Textual goes on without a terminal: it reads the end of the input again and again, and waits for
    ever for the thread that can no longer write.
    """

    def __init__(
        self,
        app: App[Any],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        screen = sys.__stderr__
        assert screen is not None  # `open_app` has asked whether it is a terminal
        self._file = cast("TextIOWrapper", Output(screen, self._report_end))
        self._leader = _leader()

    def run_input_thread(self) -> None:
        """Read until the app or the terminal ends."""
        parser = TerminalParser(self._debug)
        decoder = getincrementaldecoder("utf-8")("replace")
        heard = time.monotonic()
        while not self.exit_event.is_set():
            if select.select([self.fileno], [], [], TICK_S)[0]:
                data = self._read()
                if not data:
                    self._report_end()
                    return
                heard = time.monotonic()
                arrived = decoder.decode(data)
                self._obey(parser.feed(arrived) if arrived else ())
            elif self._leader is not None and _ended(self._leader):
                self._report_end()
                return
            silent = time.monotonic() - heard
            if silent > LETTER_S and not parser.pasting:
                rest = decoder.decode(b"", final=True)
                self._obey(parser.feed(rest) if rest else ())
            if silent > PASTE_S and parser.pasting:
                self._obey(parser.end_paste())
            self._obey(parser.tick())

    def _read(self) -> bytes:
        """What has arrived; nothing at the end of the input."""
        try:
            return os.read(self.fileno, READ_BYTES)
        except OSError:
            return b""

    def _obey(self, arrived: Iterable[Message]) -> None:
        for event in arrived:
            self.process_message(event)

    def _report_end(self) -> None:
        self.send_message(TerminalGone())


def _leader() -> psutil.Process | None:
    """The process that leads our session, if it is another one and can be seen."""
    leader = os.getsid(0)
    with suppress(psutil.Error):
        return psutil.Process(leader) if leader not in (0, os.getpid()) else None
    return None


def _ended(process: psutil.Process) -> bool:
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.Error:
        return False

"""What a command writes: data on standard output, narration and errors on standard error."""

from __future__ import annotations

import io
import os
import shutil
import sys
from typing import TextIO

import msgspec
from rich.cells import cell_len, set_cell_size

from tui.terminal.sanitise import HOSTILE, clean
from tui.terminal.streams import forget


class Output:
    """The two streams of a command.

    A terminal gets text cleaned of control characters; a pipe or a file gets every byte, in
    UTF-8. Narration is for people: it is dropped where standard error is no terminal, unless it
    was asked for.
    """

    def __init__(self, verbose: bool = False) -> None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            # A character that the terminal's encoding lacks must not end the command.
            sys.stdout.reconfigure(errors="replace")
        self._out: TextIO = sys.stdout
        self._err: TextIO = sys.stderr
        self._out_terminal = self._out.isatty()
        self._err_terminal = self._err.isatty()
        self.narrates = verbose or self._err_terminal
        """Whether status and notes are written."""
        self.redraws = self._err_terminal and os.environ.get("TERM", "dumb") != "dumb"
        """Whether a status line is drawn over itself, which a dumb terminal cannot do."""
        self._step = ""
        self._line_begun = False

    def write(self, data: str) -> None:
        """Write a part of a text to standard output, at once."""
        if not data:
            return
        self._clear_status()
        if self._out_terminal:
            self._out.write(clean(data))
            self._out.flush()
        else:
            self._out.flush()
            self._out.buffer.write(data.encode("utf-8", "replace"))
            self._out.buffer.flush()
        self._line_begun = not data.endswith("\n")

    def line(self, data: str = "") -> None:
        """Write a whole line to standard output."""
        self.write(f"{data}\n")

    def end_line(self) -> None:
        """Finish the line on standard output that was begun, if one was."""
        if self._line_begun:
            self.write("\n")

    def document(self, document: msgspec.Struct) -> None:
        """Write a result as one line of JSON, its fields in the order of their definition."""
        data = msgspec.json.encode(document).decode()
        if self._out_terminal:
            # JSON escapes some of what a terminal obeys, not all.
            data = HOSTILE.sub(lambda found: f"\\u{ord(found[0]):04x}", data)
        self.line(data)

    def status(self, step: str, progress: str = "") -> None:
        """Show the current step and its progress, in a line that the next one replaces.

        Where lines cannot be replaced, only a new step gets one.
        """
        if not self.narrates:
            return
        if self.redraws:
            line = clean(f"{step}  {progress}".strip())
            # A line that wraps could not be taken back.
            columns = shutil.get_terminal_size().columns
            self._narrate(f"\r\x1b[K{set_cell_size(line, min(cell_len(line), columns - 1))}")
        elif step and step != self._step:
            self._report(step)
        self._step = step

    def note(self, message: str) -> None:
        """Write a line for people that stays."""
        if self.narrates:
            self._make_room()
            self._report(message)

    def warn(self, message: str) -> None:
        """Write a line that scripts need too, whether or not a person reads it."""
        self._make_room()
        self._report(message)

    def error(self, message: str, hint: str = "") -> None:
        """Report an error and how to solve it, a line each."""
        self._make_room()
        for part in (message, hint):
            if part:
                self._report(" ".join(part.split()))

    def _make_room(self) -> None:
        """Leave the line that data or a status began, before another is written."""
        self._clear_status()
        if self._out_terminal:
            self.end_line()

    def _report(self, message: str) -> None:
        self._narrate(f"{clean(message)}\n")

    def _clear_status(self) -> None:
        if self._step and self.redraws:
            self._narrate("\r\x1b[K")
        self._step = ""

    def _narrate(self, data: str) -> None:
        """Write to standard error; a failure to write is ignored."""
        try:
            self._err.write(data)
            self._err.flush()
        except OSError:
            forget(self._err)

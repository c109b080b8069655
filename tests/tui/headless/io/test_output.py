from __future__ import annotations

import io
import sys

import msgspec
import pytest

from tui.headless.io.output import Output


class Stream(io.TextIOWrapper):
    """A stream that says of itself whether it is a terminal."""

    def __init__(self, terminal: bool, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        """What the test wants."""
        return self._terminal

    @property
    def written(self) -> str:
        """All that was written."""
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def make(
    monkeypatch: pytest.MonkeyPatch, out: bool, err: bool, verbose: bool = False
) -> tuple[Output, Stream, Stream]:
    """An output with its two streams, each a terminal or not."""
    streams = Stream(out), Stream(err)
    monkeypatch.setattr(sys, "stdout", streams[0])
    monkeypatch.setattr(sys, "stderr", streams[1])
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    return Output(verbose), *streams


HOSTILE = "a\x1b]0;title\x07\x9b2J\u202eb"


def test_a_pipe_gets_the_very_text(monkeypatch: pytest.MonkeyPatch) -> None:
    output, out, _ = make(monkeypatch, out=False, err=False)

    output.write(HOSTILE)
    output.line("春")

    assert out.written == f"{HOSTILE}春\n"


def test_a_terminal_gets_nothing_that_it_would_obey(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named(msgspec.Struct):
        text: str

    output, out, err = make(monkeypatch, out=True, err=True)

    output.line(HOSTILE)
    output.document(Named(HOSTILE))
    output.note(HOSTILE)
    output.error(HOSTILE, HOSTILE)

    plain, document = out.written.splitlines()
    assert not set("\x1b\x07\x9b\u202e") & set(out.written + err.written)
    assert plain.startswith("a␛]0;title␇")
    assert msgspec.json.decode(document) == {"text": HOSTILE}


def test_json_in_a_pipe_is_not_escaped(monkeypatch: pytest.MonkeyPatch) -> None:
    class Named(msgspec.Struct):
        text: str

    output, out, _ = make(monkeypatch, out=False, err=False)

    output.document(Named("春\u202e🗼"))

    assert out.written == '{"text":"春\u202e🗼"}\n'


def test_narration_is_for_people(monkeypatch: pytest.MonkeyPatch) -> None:
    output, _, err = make(monkeypatch, out=True, err=False)

    output.status("Loading", "1 %")
    output.note("seed 7")

    assert err.written == ""


def test_verbose_narrates_into_a_file_without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    output, _, err = make(monkeypatch, out=False, err=False, verbose=True)

    for percent in range(3):
        output.status("Loading", f"{percent} %")
    output.status("Warming")
    output.note("seed 7")

    assert err.written == "Loading\nWarming\nseed 7\n"


def test_a_status_is_drawn_over_and_gone_before_data(monkeypatch: pytest.MonkeyPatch) -> None:
    output, out, err = make(monkeypatch, out=True, err=True)

    output.status("Loading", "1 %")
    output.status("Loading", "2 %")
    output.write("春")
    output.note("seed 7")

    assert err.written == "\r\x1b[KLoading  1 %\r\x1b[KLoading  2 %\r\x1b[Kseed 7\n"
    # The note goes below the text, not on its line.
    assert out.written == "春\n"


def test_a_status_never_wraps(monkeypatch: pytest.MonkeyPatch) -> None:
    output, _, err = make(monkeypatch, out=True, err=True)

    output.status("読込" * 30)

    assert err.written == "\r\x1b[K" + "読込" * 9 + "読 "


def test_a_dumb_terminal_is_not_drawn_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Stream(True))
    monkeypatch.setattr(sys, "stderr", err := Stream(True))
    monkeypatch.setenv("TERM", "dumb")

    Output().status("Loading", "1 %")

    assert err.written == "Loading\n"


def test_an_error_is_a_line_each_for_what_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    output, out, err = make(monkeypatch, out=True, err=True)

    output.write("春")
    output.error("It\n broke.", "")

    assert (out.written, err.written) == ("春\n", "It broke.\n")


def test_an_old_terminal_gets_what_its_encoding_can_say(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", out := Stream(True, encoding="latin-1"))

    Output().line("a春")

    assert out.written == "a?\n"

"""The whole app in a terminal, with the real worker and the bundled models."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import psutil
import pytest

from tests.support.terminal import Terminal, environment, opened

LEAVES_ALTERNATE_SCREEN = b"\x1b[?1049l"
SHOWS_CURSOR = b"\x1b[?25h"


def slow_to_end(folder: Path) -> dict[str, str]:
    """An environment in which a continuation is long enough to be killed in the middle of it."""
    (folder / "config").mkdir()
    settings = "sampling: {temperature: 0, top_p: 1}\nmax_tokens: 400\n"
    (folder / "config" / "settings.yaml").write_text(settings)
    return environment(folder)


def in_mid_stream(terminal: Terminal) -> psutil.Process:
    """Have a continuation written in such an environment; the worker that writes."""
    terminal.wait("greedy · ")
    terminal.press("enter")
    terminal.wait("400 tokens · ", "perplexity")
    terminal.press("up", "enter")
    terminal.wait("writing", "400 tokens")
    (worker,) = terminal.workers()
    return worker


def test_from_the_first_start_to_an_answer_in_each_pane(tmp_path: Path) -> None:
    with opened(environment(tmp_path)) as terminal:
        terminal.wait("F2", "Continue", "羽田空港に到着、東京の街は", "greedy · 43 tokens")
        terminal.press("enter")
        screen = terminal.wait("43 tokens · ", "tok/s", "perplexity")
        assert re.search(r"羽田空港に到着、東京の街は\S", screen)
        terminal.press("f3")
        terminal.wait("I played [MASK]", "hides baseball")
        terminal.press("enter")
        screen = terminal.wait("you hid baseball", "[CLS]")
        assert re.search(r"1 \w+ +█.*\d%", screen)
        terminal.press("f4")
        terminal.wait("It is a geme")
        terminal.press("enter")
        terminal.wait("A→B", "B→A", "margin", "logits")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
        assert LEAVES_ALTERNATE_SCREEN in terminal.raw
        assert terminal.raw.rfind(SHOWS_CURSOR) > terminal.raw.rfind(b"\x1b[?25l")


def test_a_killed_worker_costs_a_notice_and_no_text(tmp_path: Path) -> None:
    home = slow_to_end(tmp_path)
    with opened(home) as terminal:
        worker = in_mid_stream(terminal)
        worker.send_signal(signal.SIGKILL)
        terminal.wait("interrupted", "started again")
        terminal.press("enter")  # an empty composer: nothing happens to what is there
        terminal.press("f3", "enter")
        terminal.wait("you hid baseball")
        (after,) = terminal.workers()
        assert after.pid != worker.pid
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
    with opened(home) as terminal:
        terminal.wait("interrupted", "羽田空港に到着、東京の街は")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0


def test_a_worker_that_hangs_is_shown_and_esc_starts_another(tmp_path: Path) -> None:
    with opened(slow_to_end(tmp_path)) as terminal:
        worker = in_mid_stream(terminal)
        worker.send_signal(signal.SIGSTOP)
        terminal.press("escape")
        terminal.wait("has not stopped yet", "engine not answering")
        terminal.wait("stopped ·", "started again")
        terminal.press("f3", "enter")
        terminal.wait("you hid baseball")
        assert not worker.is_running()
        terminal.press("ctrl+q")
        assert terminal.ended() == 0


def test_quitting_in_mid_stream_leaves_neither_process_nor_text_behind(tmp_path: Path) -> None:
    home = slow_to_end(tmp_path)
    with opened(home) as terminal:
        terminal.wait("greedy · ")
        terminal.press("enter")
        terminal.wait("writing")
        workers = terminal.workers()
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
        _, alive = psutil.wait_procs(workers, timeout=60)
        assert alive == []
    with opened(home) as terminal:
        terminal.wait("interrupted")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0


def test_no_color_sends_no_colour(tmp_path: Path) -> None:
    with opened(environment(tmp_path, NO_COLOR="1", COLORTERM="truecolor")) as terminal:
        terminal.wait("羽田空港に到着、東京の街は")
        terminal.press("f3", "enter")
        terminal.wait("you hid baseball")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
        parameters = re.findall(rb"\x1b\[([\d;]*)m", terminal.raw)
        colours = [p for p in parameters if re.search(rb"(^|;)([34]8|3[0-7]|4[0-7]|9\d|10\d)", p)]
        assert parameters
        assert colours == []


def test_a_slow_line_gets_fewer_bytes(tmp_path: Path) -> None:
    sent = {}
    for name, more in (("near", {}), ("far", {"SSH_CONNECTION": "1 2 3 4"})):
        home = tmp_path / name
        (home / "config").mkdir(parents=True)
        settings = "sampling: {temperature: 0, top_p: 1}\nmax_tokens: 200\n"
        (home / "config" / "settings.yaml").write_text(settings)
        with opened(environment(home, **more)) as terminal:
            terminal.wait("greedy · ")
            terminal.press("enter")
            terminal.wait("200 tokens · ", "perplexity", "first")
            before = len(terminal.raw)
            for _ in range(3):  # so that the text scrolls
                terminal.press("up", "enter")
                terminal.wait("writing")
                terminal.wait("200 tokens · ", "perplexity", "Enter Send  ^F")
            sent[name] = len(terminal.raw) - before
            terminal.press("ctrl+q")
            assert terminal.ended() == 0
    assert sent["far"] < sent["near"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_it_as_a_key_does(tmp_path: Path, number: signal.Signals) -> None:
    home = environment(tmp_path)
    with opened(home) as terminal:
        terminal.wait("greedy · ")
        terminal.press("enter")
        terminal.wait("perplexity")
        terminal.press("f3", "unsent ")
        terminal.wait("unsent")
        terminal.child.kill(number)
        assert terminal.ended() == 130
        assert LEAVES_ALTERNATE_SCREEN in terminal.raw
    with opened(home) as terminal:
        terminal.wait("perplexity")
        terminal.press("f3")
        terminal.wait("unsent")


def test_every_byte_that_a_terminal_sends_is_something_to_show(tmp_path: Path) -> None:
    with opened(environment(tmp_path)) as terminal:
        terminal.wait("greedy · ")
        terminal.press("\x15")
        terminal.child.send(b"caf\xe9")
        terminal.wait("caf\ufffd")
        terminal.child.send(b"\x1b[200~ \xa4\xf3 \x1b\x11 x\r\xff\x1b[201~")
        terminal.wait("caf\ufffd \ufffd\ufffd ␛␑ x", "│ \ufffd ")
        terminal.child.send(b"\x1b[200~ no end \x11")
        terminal.wait("no end ␑")
        terminal.press("\x15", "東\u3000京\u200b!")
        terminal.wait("東\u3000京␢!")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0

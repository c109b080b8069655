"""What streaming costs on the line: `python tests/bench/wire.py [MODEL [PRECISION]]`.

Runs the installed app at 80x24 in a pseudo-terminal, lets it write a long text, and prints the
bytes that reach the terminal for each token, the time from a key press to its echo while tokens
stream, and what the app itself, apart from the engine, takes of a processor for each token: over
SSH and at home, without heat and with it. A model that writes faster than some fifty
tokens a second is done before all keys are struck.
"""

from __future__ import annotations

import os
import re
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.support.terminal import Terminal, environment

TOKENS = 230
KEYS = "QZXJKVWYUQZXJKVWYU"
"""Letters that the text itself does not hold, so that an echo is known when it comes."""


def until(terminal: Terminal, wanted: bytes, since: int, patience: float = 60.0) -> float:
    """Take in what is drawn until these bytes come; return when that was."""
    end = time.perf_counter() + patience
    while wanted not in terminal.raw[since:]:
        if time.perf_counter() > end:
            raise TimeoutError(wanted)
        terminal.read()
    return time.perf_counter()


def processor(terminal: Terminal) -> float:
    """Seconds of a processor that the app has taken, without the engine, which is its child."""
    times = psutil.Process(terminal.child.pid).cpu_times()
    return float(times.user + times.system)


def measure(arguments: list[str], *, ssh: bool, heat: bool) -> None:
    """One run of the app, one line of figures."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "config").mkdir()
        settings = f"sampling: {{temperature: 0, top_p: 1}}\nmax_tokens: {TOKENS}\n"
        if arguments:
            settings += f"models: {{continue: {arguments[0]}}}\n"
        if arguments[1:]:
            settings += f"precision: {arguments[1]}\n"
        (home / "config" / "settings.yaml").write_text(settings)
        given = environment(home, **({"SSH_CONNECTION": "1 2 3 4"} if ssh else {}))
        given["TSUZUKI_DATA_HOME"] = os.environ.get("TSUZUKI_DATA_HOME", str(home))
        terminal = Terminal(given)
        try:
            terminal.wait("greedy · 43 tokens")
            terminal.press("enter")
            time.sleep(2)  # a model that does not know Japanese is warned of first
            terminal.press("enter")
            terminal.wait("43 tokens · ", "perplexity")
            if heat:
                terminal.press("shift+tab", "v", "\t")
                terminal.wait("surprisal, bits")
            terminal.press(*"Once upon a time", "enter")
            before = len(terminal.raw)
            until(terminal, b"writing", before)
            begin, busy = len(terminal.raw), processor(terminal)
            echoes = []
            for letter in KEYS:
                at, sent = len(terminal.raw), time.perf_counter()
                terminal.press(letter)
                echoes.append(until(terminal, letter.encode(), at) - sent)
                time.sleep(0.05)
            while "writing" in terminal.text or f"{TOKENS} tokens" not in terminal.text:
                terminal.read()
            sent_bytes, busy = len(terminal.raw) - begin, processor(terminal) - busy
            speed = re.findall(r"([\d.]+) tok/s", terminal.text)
        finally:
            terminal.close()
    echoes.sort()
    print(
        f"{'ssh' if ssh else 'home':<5} {'heat' if heat else 'plain':<6}"
        f" {sent_bytes / TOKENS:7.0f} bytes/token"
        f"  echo median {statistics.median(echoes) * 1000:5.0f} ms,"
        f" 95 % {echoes[int(0.95 * len(echoes))] * 1000:5.0f} ms"
        f"  {busy / TOKENS * 1000:5.1f} ms of processor/token  {speed[-1:]} tok/s"
    )


if __name__ == "__main__":
    for over_ssh in (True, False):
        for with_heat in (False, True, False, True):
            measure(sys.argv[1:], ssh=over_ssh, heat=with_heat)

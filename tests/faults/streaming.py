"""Long use: `python -m tests.faults.streaming [--minutes N]` streams and prints the memory taken.

One prompt after the other is answered; every few answers begin a new session, so that what is on
the screen does not grow. The worker's cache of texts, which fills half a gigabyte otherwise, gets
so little memory that it is soon full. The table has a line every few minutes; exits with 1 where
the app or the worker took a fifth more in the second half than at the end of the first tenth.
"""

from __future__ import annotations

import argparse
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from tests.faults.running import PROMPT, app, history_file, new_session
from tests.support.terminal import Terminal

SETTINGS = "sampling: {temperature: 1, top_p: 0.95}\nmax_tokens: 120\nmemory_gb: 0.06\n"
"""Without a seed every answer is another text; about 30 of them fill that memory."""
ANSWERS = 5
"""Answers in a session."""
LINES = 20
"""Lines of the table."""
GROWTH = 1.2


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.streaming", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--minutes", type=float, default=60)
    minutes: float = parser.parse_args().minutes
    with TemporaryDirectory(prefix="tsuzuki-stream-") as folder:
        place = Path(folder)
        (place / "config").mkdir()
        (place / "config" / "settings.yaml").write_text(SETTINGS, encoding="utf-8")
        with app(place) as terminal:
            taken = _stream(terminal, place, 60 * minutes)
    early = taken[len(taken) // 10]
    late = taken[len(taken) // 2 :]
    grown = any(now > GROWTH * then for each in late for now, then in zip(each, early, strict=True))
    return int(grown)


def _stream(terminal: Terminal, place: Path, seconds: float) -> list[tuple[int, int]]:
    """Stream for so long; the bytes that the app and its worker took after each answer."""
    print("| minutes | answers | app, MB | worker, MB |\n| ---: | ---: | ---: | ---: |", flush=True)
    began, shown = time.monotonic(), 0.0
    taken: list[tuple[int, int]] = []
    while (elapsed := time.monotonic() - began) < seconds or not taken:
        if len(taken) % ANSWERS == 0:
            new_session(terminal, "120 tokens")
        terminal.press(PROMPT, "enter")
        while _answered(place) == len(taken):
            terminal.read()
        terminal.raw = b""
        (worker,) = terminal.workers()
        app_bytes: int = psutil.Process(terminal.child.pid).memory_info().rss
        taken.append((app_bytes, worker.memory_info().rss))
        if elapsed >= shown:
            shown += seconds / LINES
            megabytes = " | ".join(f"{each / 1e6:.0f}" for each in taken[-1])
            print(f"| {elapsed / 60:.0f} | {len(taken)} | {megabytes} |", flush=True)
    return taken


def _answered(place: Path) -> int:
    """How many answers are saved as done."""
    with closing(sqlite3.connect(history_file(place))) as file:
        (count,) = file.execute("SELECT count(*) FROM cards WHERE status = 'done'").fetchone()
    return int(count)


if __name__ == "__main__":
    sys.exit(main())

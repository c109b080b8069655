"""A link to another machine, for tests: `python relay.py [OPTIONS] tsuzuki engine`.

It starts a worker of this installation and passes bytes on: late, unevenly, and not for ever.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import SimpleQueue
from typing import NoReturn

CLOSED = 255
"""The exit code of ssh whose connection failed."""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--delay", type=float, default=0.0, help="seconds, each way")
    parser.add_argument("--jitter", type=float, default=0.0, help="seconds more, at most")
    parser.add_argument("--cut", type=int, help="cut the link once, after so many bytes of answers")
    parser.add_argument(
        "--state", type=Path, help='a file that says "down" from then on, until a test writes "up"'
    )
    parser.add_argument("program", nargs="*")
    given = parser.parse_args()
    assert given.program == ["tsuzuki", "engine"]
    state = given.state.read_text() if given.state is not None and given.state.exists() else ""
    if state == "down":
        _end("ssh: connect to host box port 22: No route to host")
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", "engine"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert worker.stdin is not None and worker.stdout is not None
    there = threading.Thread(target=_pass, args=(0, worker.stdin.fileno(), given, None))
    there.daemon = True
    there.start()
    _pass(worker.stdout.fileno(), 1, given, None if state == "up" else given.cut)
    if given.state is not None:
        given.state.write_text("down")
    _end("Connection to box closed by remote host.")


def _pass(source: int, target: int, given: argparse.Namespace, most: int | None) -> None:
    """Copy bytes, each block after its time on the way, until there are no more or too many."""
    blocks: SimpleQueue[tuple[float, bytes]] = SimpleQueue()

    def read() -> None:
        due = 0.0
        while True:
            block = os.read(source, 1 << 16)
            late = given.delay + random.uniform(0, given.jitter)
            due = max(due, time.monotonic() + late)  # a link keeps the order
            blocks.put((due, block))
            if not block:
                return

    threading.Thread(target=read, daemon=True).start()
    passed = 0
    while (arrived := blocks.get())[1]:
        due, block = arrived
        time.sleep(max(0.0, due - time.monotonic()))
        if most is not None:
            block = block[: most - passed]
        passed += len(block)
        rest = memoryview(block)
        while rest:
            rest = rest[os.write(target, rest) :]
        if passed == most:
            return
    if target != 1:
        os.close(target)


def _end(reason: str) -> NoReturn:
    print(reason, file=sys.stderr, flush=True)
    os._exit(CLOSED)


if __name__ == "__main__":
    main()

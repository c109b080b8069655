"""Start the app on a pseudo-terminal, wait for its first screen, run its first draft, leave it."""

from __future__ import annotations

import os
import pty
import select
import sys
import time
from pathlib import Path

PATIENCE_S = 300.0
KEYS = {"羽田空港": b"\r", "tok/s": b"\x11"}
"""What must be seen, and the keys that answer it: Enter sends the first draft, Ctrl+Q leaves."""


def main() -> int:
    """Return the app's exit code, or 1 when what it should show does not come."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        program = str(Path(sys.executable).with_name("tsuzuki"))
        os.execv(program, [program])
    os.set_blocking(terminal, False)
    seen = ""
    for expected, keys in KEYS.items():
        seen = wait_for(terminal, expected, seen)
        if expected not in seen:
            sys.stderr.write(f"{expected} did not appear\n")
            return 1
        os.write(terminal, keys)
    wait_for(terminal, "", seen)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def wait_for(terminal: int, expected: str, seen: str) -> str:
    """Read until something is seen (with nothing expected: until the app is gone)."""
    end = time.monotonic() + PATIENCE_S
    data = b""
    while time.monotonic() < end and not (expected and expected in seen):
        if not select.select([terminal], [], [], 1.0)[0]:
            continue
        try:
            data += os.read(terminal, 65536)
        except OSError:  # the other side is closed
            break
        seen = data.decode(errors="replace")
    return seen


if __name__ == "__main__":
    sys.exit(main())

"""`python -P -m engine`: the worker process. It speaks frames on its standard input and output."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal

from engine import pipes


def main() -> None:
    """Take the pipes and the network away from all other code, then serve until the front ends."""
    requests, events = pipes.claim()
    environ = pipes.go_offline(os.environ)
    # Idle threads sleep instead of spinning: on two cores, spinning ones fight with the screen and
    # with other people's work. Measured on a 2-core machine with one other busy process, decoding
    # was 2.5 times faster so, and at most 7 % slower on an idle one.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C at the terminal is for the front
    faulthandler.enable()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    )

    from engine.worker import Worker  # after the environment is set: libraries read it early

    Worker(requests, events, environ).serve()


if __name__ == "__main__":
    main()

"""`python -P -m engine`: the worker process. It speaks frames on its standard input and output."""

from __future__ import annotations

import faulthandler
import logging
import os
import signal

from engine.server import pipes


def main() -> None:
    """Keep other code away from the pipes and the network, then serve until the front end exits."""
    pipes.end_with_parent()
    requests, events = pipes.claim()
    environ = pipes.go_offline(os.environ)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C is for the front end
    faulthandler.enable()
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
    )

    from engine.server.worker import Worker  # after the environment is set: libraries read it early

    Worker(requests, events, environ).serve()


if __name__ == "__main__":
    main()

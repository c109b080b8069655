"""`python -P -m engine [STORE]`: the worker process, with frames on standard input and output.

STORE is the folder of pulled models where the front end names none, as one on another machine does.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import signal
import sys
from pathlib import Path

import platformdirs

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

    named = Path(sys.argv[1]) if sys.argv[1:] else None
    store = named or platformdirs.user_data_path("tsuzuki", appauthor=False)
    Worker(requests, events, environ, store).serve()


if __name__ == "__main__":
    main()

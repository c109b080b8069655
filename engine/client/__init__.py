"""The front end's side of the connection: starts, watches and restarts the worker.

    engine.py   requests and their answers, and one worker after the other
    answer.py   the events that answer one request
    process.py  a worker process, the pipes to it and the log of its output
    watch.py    whether it hangs
    program.py  which program it is: here, or on another machine

It imports no model library: a front end starts in a moment.
"""

from engine.client.answer import Answer
from engine.client.engine import Engine, EngineState

__all__ = ["Answer", "Engine", "EngineState"]

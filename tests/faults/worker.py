"""The engine's process breaks."""

from __future__ import annotations

import random
import time
from pathlib import Path

from tests.faults.harness import (
    Outcome,
    app,
    begin_stream,
    fault,
    leave,
    lost,
    saved,
    shown,
    type_text,
    watch,
    whole_answer,
)

DRAFT = "half a thought"


@fault("the worker is killed (SIGKILL) while a model writes", short=2, long=100)
def killed(place: Path, rng: random.Random) -> Outcome:
    whole_answer()
    with app(place) as terminal:
        begin_stream(terminal)
        type_text(terminal, DRAFT)
        watch(terminal, rng.uniform(0, 2))
        for worker in terminal.workers():
            worker.kill()
        began = time.monotonic()
        screen = terminal.wait("started again")
        recovered = time.monotonic() - began
        assert DRAFT in screen
        before = shown(terminal)
        terminal.press("f3")
        terminal.wait("top 5")  # or else the letters overtake the key
        type_text(terminal, "We [MASK] here")
        terminal.press("enter")
        terminal.wait("[CLS]")
        leave(terminal)
    session = saved(place)
    missing = lost(before, session)
    missing += 0 if session.drafts["continue"].text == DRAFT else len(DRAFT)
    return Outcome("one notice, then the next request is answered", missing, recovered)

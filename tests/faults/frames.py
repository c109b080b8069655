"""What the reader of frames gets is no frame."""

from __future__ import annotations

import random
from pathlib import Path

from tests.engine.test_wire import fuzz
from tests.faults.harness import Outcome, fault

_COUNT = 20_000


@fault(f"{_COUNT:,} frames are changed at random", short=1, long=50)
def mutated(place: Path, rng: random.Random) -> Outcome:
    outcomes = fuzz(_COUNT, rng.getrandbits(64))
    assert sum(outcomes.values()) >= _COUNT
    return Outcome("each is a message, or a broken stream")

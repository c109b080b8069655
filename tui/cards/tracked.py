"""Words that were tracked through the text of a card."""

from __future__ import annotations

from msgspec import Struct

from engine.messages import TrackedWord


class Tracked(Struct, frozen=True):
    """Words at each token of a branch, and at the place after the last where the model has one."""

    branch: int
    words: list[TrackedWord]

"""How far the learner came, and the learner's own texts, as one text that can be stored."""

from __future__ import annotations

import re
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from engine.messages import MASK


class Texts(Struct, frozen=True, kw_only=True):
    """What the stops work on; at first the notebook's own sentences."""

    begun: str = "羽田空港に到着、東京の街は"
    """Continued by the causal model."""
    masked: Annotated[str, Meta(pattern=re.escape(MASK))] = (
        f"I played {MASK} with my friends at school yesterday"
    )
    a: str = "What is baseball ?"
    b: str = "It is a game of hitting the ball with the bat."


class Progress(Struct, frozen=True, kw_only=True):
    """Where the learner is."""

    stop: int = 0
    seen: frozenset[int] = frozenset()
    texts: Texts = Texts()


def read(stored: str) -> Progress:
    """What `written` made; the beginning, if nothing was stored, or by another version."""
    try:
        return msgspec.json.decode(stored, type=Progress)
    except (msgspec.DecodeError, UnicodeError):
        return Progress()


def written(progress: Progress) -> str:
    """Progress as JSON, for the session file."""
    return msgspec.json.encode(progress).decode()

"""The last check of an answer: no NaN and no infinity leaves the engine.

JSON cannot represent them, they spoil any mean, and a card that contains one cannot be read back.
So an answer that contains one is refused as a whole.
"""

from __future__ import annotations

import math
import re

from msgspec import Struct

from engine.errors import EngineError
from engine.messages import Error, Event

_SUSPECT = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
"""How an infinite or NaN float begins in msgpack; other bytes may match by chance."""


def check(answer: Event, packed: bytes) -> None:
    """Check every number in an event, which `engine.wire.pack` has encoded.

    Raises:
        EngineError: ``unable``, if one is NaN or infinite.
    """
    # Searching its bytes is several times as fast as walking it.
    if _SUSPECT.search(packed) and not _finite(answer):
        raise EngineError(
            Error(
                kind="unable",
                message="The model gives part of this text zero probability, so it cannot be"
                " scored.",
                hint="Change the text, or use another model.",
            )
        )


def _finite(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, list | tuple):
        return all(map(_finite, value))
    if isinstance(value, Struct):
        return all(_finite(getattr(value, name)) for name in value.__struct_fields__)
    return True

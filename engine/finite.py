"""The last look at an answer: no figure that is infinite, or no number, leaves the engine.

JSON has no word for such a figure, a mean that takes it in is spoilt, and a card that holds it
cannot be read back. So an answer that has one is refused as a whole.
"""

from __future__ import annotations

import math
import re

from msgspec import Struct, msgpack

from engine.errors import EngineError
from engine.messages import Error, Event

_SUSPECT = re.compile(rb"\xcb[\x7f\xff][\xf0-\xff]")
"""How msgpack begins a figure that is infinite or no number; other bytes may agree by chance."""

_encoder = msgpack.Encoder()


def check(answer: Event | None) -> None:
    """Look at every figure of an event.

    Raises:
        EngineError: ``unable``, when one is NaN or infinite.
    """
    # Encoding a message and looking through its bytes is several times as fast as walking it.
    try:
        encoded = _encoder.encode(answer)
    except (UnicodeEncodeError, OverflowError):
        return  # it is not sent at all: `engine.wire` says why
    if _SUSPECT.search(encoded) and not _finite(answer):
        raise EngineError(
            Error(
                kind="unable",
                message="The model gives a part of this text no probability at all, so no figure"
                " can be given for it.",
                hint="Change the text, or take another model.",
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

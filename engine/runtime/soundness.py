"""Moves results to the CPU, and refuses NaN and infinity.

Damaged files, or weights too large for fp32, give NaN or infinity; the argmax of a row of NaN would
be its first id, which means nothing.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from engine.errors import EngineError, refusal

if TYPE_CHECKING:
    import torch


def sound(logits: torch.Tensor) -> torch.Tensor:
    """Move logits, [..., choices], to the CPU, checking that the maximum of each row is finite.

    Single values may be -inf, which some models use to exclude words.

    Raises:
        EngineError: ``broken_model``, if a row contains NaN or +inf, or only -inf.
    """
    logits = logits.cpu()
    if not all(map(math.isfinite, logits.amax(-1).flatten().tolist())):
        raise unsound()
    return logits


def unsound() -> EngineError:
    """The error for a model that computes, or consists of, NaN or infinity."""
    return refusal("broken_model", "not_finite")

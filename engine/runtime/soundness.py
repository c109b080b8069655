"""Brings answers to the CPU, and refuses those of weights that hold no numbers.

A file that was damaged, or weights too large for fp32, give NaN or infinity; the likeliest of a
row of NaN would be its first id, as if that meant something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.messages import Error

if TYPE_CHECKING:
    import torch


def sound(logits: torch.Tensor) -> torch.Tensor:
    """Return logits, [..., choices], on the CPU; each row has a largest that is finite.

    Single choices may be -inf: some models rule words out so.

    Raises:
        EngineError: ``broken_model``, when a row has NaN or +inf, or nothing but -inf.
    """
    logits = logits.cpu()
    if not logits.amax(-1).isfinite().all():
        raise EngineError(
            Error(
                kind="broken_model",
                message="This model computes values that are not numbers; its weights are broken.",
                hint="Remove it and pull it again, or take another model.",
            )
        )
    return logits

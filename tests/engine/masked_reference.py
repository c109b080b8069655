"""A masked model as transformers runs it: one text at a time, nothing padded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import transformers

from tests.conftest import Tiny
from tests.engine.bundles import STARTER

FAMILIES = ["bert-mlm", "distilbert", "albert", "roberta", "modernbert", "starter-en"]

Logprobs = Callable[[Sequence[int], int], torch.Tensor]


def folder(kind: str, tiny: Tiny) -> Path:
    """Where a model of this family is."""
    return STARTER / kind if kind == "starter-en" else tiny(kind)


def logprobs(model: Path) -> Logprobs:
    """Log-probabilities, float64 [vocabulary], of what stands at a position of some ids."""
    reference = transformers.AutoModelForMaskedLM.from_pretrained(model, dtype=torch.float32)

    def read(ids: Sequence[int], position: int) -> torch.Tensor:
        with torch.no_grad():
            logits: torch.Tensor = reference(torch.tensor([list(ids)])).logits[0, position]
        return logits.double().log_softmax(0)

    return read

"""A masked model as transformers runs it: one text at a time, nothing padded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import pytest
import torch
import transformers

from engine.interfaces import MaskedRuntime
from engine.runtime import masked_rows
from engine.runtime.masked_rows import Reading, Row
from tests.conftest import Tiny
from tests.support.bundles import STARTER

FAMILIES = ["bert-mlm", "distilbert", "albert", "roberta", "modernbert", "starter-en"]

T = TypeVar("T")
Logprobs = Callable[[Sequence[int], int], torch.Tensor]


def folder(kind: str, tiny: Tiny) -> Path:
    """Where a model of this family is."""
    return STARTER / kind if kind == "starter-en" else tiny(kind)


def logprobs(model: Path) -> Logprobs:
    """Log-probabilities, float64 [vocabulary], at a position of some ids."""
    reference = transformers.AutoModelForMaskedLM.from_pretrained(model, dtype=torch.float32)

    def read(ids: Sequence[int], position: int) -> torch.Tensor:
        with torch.no_grad():
            logits: torch.Tensor = reference(torch.tensor([list(ids)])).logits[0, position]
        return logits.double().log_softmax(0)

    return read


def rows_read(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """The ids of every text that is read from now on."""
    rows = list[tuple[int, ...]]()
    read = masked_rows.read

    def counted(
        runtime: MaskedRuntime, asked: Sequence[Row], take: Callable[[int, torch.Tensor], T]
    ) -> Reading[list[T]]:
        rows.extend(tuple(piece.id for piece in row) for row, _ in asked)
        return read(runtime, asked, take)

    monkeypatch.setattr(masked_rows, "read", counted)
    return rows

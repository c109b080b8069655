"""An n-gram model as a causal one: logits are log-probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from engine.errors import refusal
from engine.runtime.ngram.kneser_ney import KneserNey

if TYPE_CHECKING:
    from engine.interfaces import Branches


@dataclass(frozen=True)
class NgramRows:
    """Branches of an `NgramRuntime`: the ids of each row."""

    ids: tuple[tuple[int, ...], ...]
    logits: torch.Tensor

    regime = 0

    @property
    def rows(self) -> int:
        """See `Branches`; the others too."""
        return len(self.ids)

    @property
    def length(self) -> int:
        return len(self.ids[0])

    @property
    def memory(self) -> dict[int, int]:
        return {self.logits.data_ptr(): self.logits.nbytes}


class NgramRuntime:
    """A `CausalRuntime` without keys and values: the last words of a row say what follows."""

    context: int | None = None
    reversible = True

    def __init__(self, model: KneserNey) -> None:
        self._model = model
        self.vocabulary = model.vocabulary
        self.bytes = model.bytes

    def empty(self) -> Branches:
        """See `CausalRuntime`; the others too."""
        return NgramRows(((),), torch.full((1, self.vocabulary), torch.nan))

    def regime(self, length: int) -> int:
        return 0

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        rows = self._grown(branches, ids)
        return NgramRows(rows, torch.stack([self._logits(row) for row in rows]))

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        rows = self._grown(branches, ids)
        length = branches.length
        logits = torch.stack(
            [
                torch.stack([self._logits(row[:end]) for end in range(length + 1, len(row) + 1)])
                for row in rows
            ]
        )
        return NgramRows(rows, logits[:, -1]), logits

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        source = _own(branches)
        return NgramRows(tuple(source.ids[row] for row in rows), source.logits[list(rows)])

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        rows = _own(branches)
        if length == rows.length:
            return rows
        last = torch.full_like(rows.logits, torch.nan) if logits is None else logits
        return replace(rows, ids=tuple(row[:length] for row in rows.ids), logits=last)

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """An n-gram model has none.

        Raises:
            EngineError: ``unable``, always.
        """
        raise refusal("unable", "ngram_inside")

    def _grown(
        self, branches: Branches, ids: Sequence[Sequence[int]]
    ) -> tuple[tuple[int, ...], ...]:
        return tuple((*old, *new) for old, new in zip(_own(branches).ids, ids, strict=True))

    def _logits(self, row: Sequence[int]) -> torch.Tensor:
        """After the words of a row: float32 [vocabulary]."""
        with np.errstate(divide="ignore"):  # what is never predicted has the logarithm of 0
            found = np.log(self._model.distribution(row))
        return torch.from_numpy(found.astype(np.float32))


def _own(branches: Branches) -> NgramRows:
    assert isinstance(branches, NgramRows)
    return branches

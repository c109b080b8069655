"""The logits after one token as a distribution, and its figures.

They are computed for one row at a time: a vocabulary's worth of numbers stays in the processor's
cache, where those of a whole batch would go through memory again for each operation.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import torch

IMPOSSIBLE = -1e30
"""A log-probability below this means a probability of 0."""

_NEAR = (4.0, 8.0, 16.0)
"""Of ids at most this far below the highest there are usually enough; tried in turn."""


class Distribution:
    """softmax(logits), in nats; the logits are float32 [vocabulary], on the CPU."""

    def __init__(self, logits: torch.Tensor) -> None:
        self._logits = logits
        self._peak = float(logits.amax())
        # Impossible ids contribute nothing to the entropy, though their surprisal is infinite.
        shifted = (logits - self._peak).clamp_min_(IMPOSSIBLE)
        weights = shifted.exp()
        total = float(weights.sum())
        self._log_total = math.log(total)
        self.entropy = self._log_total - float(weights.dot(shifted)) / total

    @property
    def normaliser(self) -> float:
        """The logsumexp of the logits."""
        return self._peak + self._log_total

    def logprob(self, token_id: int) -> float:
        """The log-probability of an id."""
        return float(self._logits[token_id]) - self._peak - self._log_total

    def rank(self, token_id: int) -> int:
        """The rank of an id among all."""
        return rank(self._logits, token_id)

    def likeliest(self, count: int) -> tuple[list[int], list[float]]:
        """That many ids, or all, and their log-probabilities, best first."""
        logits = self._logits.numpy()
        ids = _some(logits, self._peak, count)
        best = torch.from_numpy(logits[ids]).topk(min(count, len(ids)))
        logprobs = [value - self._peak - self._log_total for value in best.values.tolist()]
        return ids[best.indices.numpy()].tolist(), logprobs


def _some(logits: np.ndarray, peak: float, count: int) -> np.ndarray:
    """The likeliest ids, at least that many, or all: to search among all takes longer."""
    for likely in near(logits, peak):
        if np.count_nonzero(likely) >= count:
            return np.flatnonzero(likely)
    return np.arange(len(logits))


def near(values: np.ndarray, peak: float) -> Iterator[np.ndarray]:
    """Which values are near the highest of them, in wider and wider ranges: bool [size] each."""
    return (values > peak - below for below in _NEAR)


def rank(row: torch.Tensor, place: int) -> int:
    """1 + the number of values of a row, float32 [size], strictly higher than that at a place."""
    return 1 + int(np.count_nonzero(row.numpy() > row[place].item()))

"""The steps from logits to scores, as transformers' `generate` takes them.

To import its processors takes a second, half as long as PyTorch itself; their results are the same.
Each step takes the ids before, int64 [rows, tokens], which only a penalty reads, and scores,
float32 [rows, vocabulary]; what it rules out becomes -inf.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from engine.runtime.distribution import near

Step = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class RepetitionPenalty:
    """Divides the scores of ids that were seen by a penalty, or multiplies those below zero."""

    penalty: float

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the step."""
        seen = scores.gather(1, ids)
        seen = torch.where(seen < 0, seen * self.penalty, seen / self.penalty)
        return scores.scatter(1, ids, seen)


@dataclass(frozen=True)
class Temperature:
    """Divides scores by a temperature above zero."""

    temperature: float

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the step."""
        return scores / self.temperature


@dataclass(frozen=True)
class TopK:
    """Keeps the k likeliest ids, and those that are as likely as the last of them."""

    k: int

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the step."""
        last = scores.topk(min(self.k, scores.shape[-1])).values[:, -1:]
        return scores.masked_fill(scores < last, -torch.inf)


@dataclass(frozen=True)
class TopP:
    """Keeps the likeliest ids whose probabilities sum to p, in (0, 1).

    The whole vocabulary is not sorted if the ids near the likeliest one suffice: if these together
    exceed p, the cut-off is among them, at p divided by their share. Sorting 49,152 scores takes
    longer than the rest of a draw.
    """

    p: float

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the step."""
        kept = torch.full_like(scores, -torch.inf)
        for row, own in zip(scores, kept, strict=True):
            self._keep(row, own)
        return kept

    def _keep(self, scores: torch.Tensor, kept: torch.Tensor) -> None:
        peak = float(scores.amax())
        weights = (scores - peak).exp_()
        total = float(weights.sum())
        for likely in near(scores.numpy(), peak):
            share = float(weights.numpy() @ likely) / total
            if share > self.p:
                places = torch.from_numpy(np.flatnonzero(likely))
                kept.scatter_(0, places, _cut(scores[places], self.p / share))
                return
        kept.copy_(_cut(scores, self.p))


def _cut(scores: torch.Tensor, p: float) -> torch.Tensor:
    """One row without the ids beyond p."""
    row = scores.numpy()
    ordered = np.sort(row)  # with its order it would take five times as long
    sums = torch.from_numpy(ordered).softmax(-1).cumsum(-1).numpy()
    beyond = np.count_nonzero(sums[:-1] <= 1 - p)
    out = row < ordered[beyond]
    # Of those as likely as the last that is kept, the first are out, as after a stable sort.
    out[np.flatnonzero(row == ordered[beyond])[: beyond - np.count_nonzero(out)]] = True
    return torch.from_numpy(np.where(out, np.float32(-np.inf), row))


@dataclass(frozen=True)
class MinP:
    """Keeps ids that have at least a share of the likeliest one's probability."""

    share: float

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the step."""
        probabilities = scores.softmax(-1)
        out = probabilities < self.share * probabilities.amax(-1, keepdim=True)
        return scores.masked_fill(out, -torch.inf)


@dataclass(frozen=True)
class Typical:
    """Keeps the ids whose surprisal is nearest to the entropy, up to a mass in (0, 1)."""

    mass: float

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """Take the step."""
        logprobs = scores.log_softmax(-1)
        entropy = -(logprobs * logprobs.exp()).nansum(-1, keepdim=True)
        away, order = (-logprobs - entropy).abs().sort()
        reached = scores.gather(1, order).softmax(-1).cumsum(-1) < self.mass
        last = reached.sum(-1, keepdim=True).clamp(max=scores.shape[-1] - 1)
        out = away > away.gather(1, last)
        out[:, 0] = False
        return scores.masked_fill(out.scatter(1, order, out), -torch.inf)

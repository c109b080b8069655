"""Statistics of the chosen tokens under the model: the numbers shown beside each one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from engine.interfaces import Listing
from engine.runtime.distribution import IMPOSSIBLE, Distribution, rank


@dataclass(frozen=True)
class Reading:
    """One token under the model's own distribution, before any sampler. Nats.

    `rank` is 1 + the number of ids with a strictly higher logit; `top` holds the likeliest ids
    with their log-probabilities, best first. `normaliser` is the logsumexp of the logits. What a
    listing (see `engine.interfaces.Listing`) does not say is None.
    """

    logprob: float
    rank: int | None
    entropy: float | None
    top: list[tuple[int, float]]
    normaliser: float | None


def read(
    logits: torch.Tensor, ids: Sequence[int], top: int, listing: Listing | None = None
) -> list[Reading]:
    """Compute the statistics of every row of a step.

    Args:
        logits: float32 [rows, vocabulary].
        ids: The id chosen in each row.
        top: How many of the likeliest ids to return.
        listing: What the logits are, if they are a server's.
    """
    with torch.inference_mode():
        return [
            _read(row, token_id, top) if listing is None else _listed(row, token_id, top, listing)
            for row, token_id in zip(logits, ids, strict=True)
        ]


def _read(logits: torch.Tensor, token_id: int, top: int) -> Reading:
    model = Distribution(logits)
    return Reading(
        model.logprob(token_id),
        model.rank(token_id),
        model.entropy,
        _possible(*model.likeliest(top)),
        model.normaliser,
    )


def _listed(logprobs: torch.Tensor, token_id: int, top: int, listing: Listing) -> Reading:
    """What a listing says of a token."""
    best = logprobs.topk(min(top, len(logprobs)))
    return Reading(
        float(logprobs[token_id]),
        known_rank(rank(logprobs, token_id), listing),
        None,
        _possible(best.indices.tolist(), best.values.tolist()),
        None,
    )


def _possible(ids: Sequence[int], logprobs: Sequence[float]) -> list[tuple[int, float]]:
    """Impossible ids are not alternatives."""
    return [each for each in zip(ids, logprobs, strict=True) if each[1] > IMPOSSIBLE]


def known_rank(rank: int | None, listing: Listing | None) -> int | None:
    """A rank among the logits there are, if it is the one among all of them."""
    if rank is None or listing is None:
        return rank
    return rank if listing.ranked and rank <= listing.count else None

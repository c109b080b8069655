"""Statistics of the chosen tokens under the model: the numbers shown beside each one."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from engine.interfaces import Listing
from engine.runtime.scoring import IMPOSSIBLE, entropies


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
    logits: torch.Tensor, ids: torch.Tensor, top: int, listing: Listing | None = None
) -> list[Reading]:
    """Compute the statistics of every row of a step.

    Args:
        logits: float32 [rows, vocabulary].
        ids: int64 [rows], the id chosen in each row.
        top: How many of the likeliest ids to return.
        listing: What the logits are, if they are a server's.
    """
    with torch.inference_mode():
        chosen = ids.unsqueeze(-1)
        logprobs = logits.log_softmax(-1) if listing is None else logits
        ranks = (logits > logits.gather(-1, chosen)).sum(-1) + 1
        best = logprobs.topk(min(top, logprobs.shape[-1]))
        columns = (
            logprobs.gather(-1, chosen).squeeze(-1).tolist(),
            ranks.tolist(),
            entropies(logprobs).tolist(),
            best.indices.tolist(),
            best.values.tolist(),
            logits.logsumexp(-1).tolist(),
        )
    found = [
        Reading(
            logprob,
            rank,
            entropy,
            # Impossible ids are not alternatives.
            [each for each in zip(names, values, strict=True) if each[1] > IMPOSSIBLE],
            normaliser,
        )
        for logprob, rank, entropy, names, values, normaliser in zip(*columns, strict=True)
    ]
    return found if listing is None else [_listed(reading, listing) for reading in found]


def known_rank(rank: int | None, listing: Listing | None) -> int | None:
    """A rank among the logits there are, if it is the one among all of them."""
    if rank is None or listing is None:
        return rank
    return rank if listing.ranked and rank <= listing.count else None


def _listed(reading: Reading, listing: Listing) -> Reading:
    """What a listing says of a token."""
    rank = known_rank(reading.rank, listing)
    return replace(reading, rank=rank, entropy=None, normaliser=None)

"""Draws the next token: the steps of `steps`, and one random generator per draw."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.decoding.steps import (
    MinP,
    RepetitionPenalty,
    Step,
    Temperature,
    TopK,
    TopP,
    Typical,
)
from engine.messages import Sampling

COLDEST = 1e-30
"""Below this temperature fp32 scores would overflow; the draw is already the likeliest token."""


def choose_seed(sampling: Sampling) -> int | None:
    """The requested seed, or a random one; None when greedy, as nothing is drawn then."""
    if sampling.greedy:
        return None
    return secrets.randbits(32) if sampling.seed is None else sampling.seed


def processors(sampling: Sampling) -> dict[str, Step]:
    """The steps from logits to scores, in the order of transformers' `generate`, by the name of
    their parameter.

    A step with a neutral value is left out. As in `generate`, greedy keeps only the repetition
    penalty.
    """
    steps: dict[str, Step] = {}
    if sampling.repetition_penalty != 1.0:
        penalty = float(sampling.repetition_penalty)
        steps["repetition_penalty"] = RepetitionPenalty(penalty)
    if sampling.greedy:
        return steps
    if sampling.temperature != 1.0:
        coldest = max(float(sampling.temperature), COLDEST)
        steps["temperature"] = Temperature(coldest)
    if sampling.top_k > 0:
        steps["top_k"] = TopK(sampling.top_k)
    if sampling.top_p < 1.0:
        steps["top_p"] = TopP(sampling.top_p)
    if sampling.min_p > 0.0:
        steps["min_p"] = MinP(sampling.min_p)
    if sampling.typical_p < 1.0:
        steps["typical_p"] = Typical(sampling.typical_p)
    return steps


@dataclass(frozen=True)
class Drawn:
    """One draw for each row: its id and its log-probability after the samplers.

    Greedy applies only the repetition penalty; without one, the log-probability is the model's, and
    is None here.
    """

    ids: list[int]
    logprobs: list[float | None]


class Sampler:
    """Draws for the branches of one request.

    Branch k draws its token after n ids, the prompt's included, from a generator seeded with
    (seed, k, n). So its draws depend neither on the other branches nor on how often the text was
    stopped and continued, and any of them can be repeated alone, with other parameters.
    """

    def __init__(self, sampling: Sampling, seed: int | None) -> None:
        """`seed` is what `choose_seed` returned for this sampling."""
        self._steps = list(processors(sampling).values())
        self._needs_history = sampling.repetition_penalty != 1.0
        self._seed = seed

    def draw(
        self, logits: torch.Tensor, branches: Sequence[int], histories: Sequence[Sequence[int]]
    ) -> Drawn:
        """Draw one id for each row.

        Args:
            logits: float32 [rows, vocabulary], of the model.
            branches: The branch that each row belongs to.
            histories: All ids of each row so far, prompt included; all of one length.
        """
        with torch.inference_mode():
            drawn = [
                self._draw(row[None], branch, history)
                for row, branch, history in zip(logits, branches, histories, strict=True)
            ]
        return Drawn([token_id for token_id, _ in drawn], [logprob for _, logprob in drawn])

    def _draw(
        self, scores: torch.Tensor, branch: int, history: Sequence[int]
    ) -> tuple[int, float | None]:
        """The id and its log-probability, for one row, [1, vocabulary]."""
        seen = torch.tensor([history]) if self._needs_history else torch.empty(0)
        for step in self._steps:
            scores = step(seen, scores)
        row = scores[0]
        if self._seed is None:
            token_id = int(row.numpy().argmax())
            return token_id, float(row.log_softmax(-1)[token_id]) if self._steps else None
        uniform = float(torch.rand(1, generator=_noise(self._seed, branch, len(history))))
        return _inverted(row, uniform)


def _inverted(scores: torch.Tensor, uniform: float) -> tuple[int, float]:
    """The id at which the cumulative distribution passes a number from [0, 1), and its
    log-probability.

    Uses one random number per draw, where `torch.multinomial` uses one per id.
    """
    possible = scores.numpy() > -np.inf
    ids = None if possible.all() else torch.from_numpy(np.flatnonzero(possible))
    logprobs = (scores if ids is None else scores[ids]).log_softmax(-1)
    cumulative = logprobs.exp().double().cumsum(-1)
    place = int(torch.searchsorted(cumulative, uniform * cumulative[-1], right=True))
    return place if ids is None else int(ids[place]), float(logprobs[place])


def _noise(seed: int, branch: int, position: int) -> torch.Generator:
    """The generator of one draw."""
    # Hashed, because torch's generator uses only the low 32 bits of a seed.
    digest = hashlib.blake2b(f"{seed} {branch} {position}".encode(), digest_size=8).digest()
    return torch.Generator().manual_seed(int.from_bytes(digest, "big") >> 1)

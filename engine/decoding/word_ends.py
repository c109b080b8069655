"""How likely a word ends at a place, in vocabularies that put a space into the token after it.

Pimentel & Meister (2024) and Oh & Schuler (2024) count this probability with the word that ends.
"""

from __future__ import annotations

import torch

from engine.runtime.loaded import LoadedModel


def beginnings(model: LoadedModel) -> torch.Tensor:
    """The ids of all tokens that begin with a space or end a text: int64 [n]."""
    ends = model.tokenizer.ends
    return torch.tensor(
        [n for n, text in enumerate(model.texts) if text[:1].isspace() or n in ends],
        dtype=torch.long,
    )


def mass(logits: torch.Tensor, begins: torch.Tensor) -> torch.Tensor:
    """The log-probability of these ids together: float32 [...], of logits [..., vocabulary]."""
    known = begins[begins < logits.shape[-1]]
    return logits[..., known].logsumexp(-1) - logits.logsumexp(-1)

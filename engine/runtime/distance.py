"""Measures how much one runtime's predictions differ from another's."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any, Protocol

import torch

from engine.interfaces import CausalRuntime
from engine.messages import Distance, Precision

CHUNK = 32
"""Tokens read at once by both, whose logits take about 13 MB for 50,000 pieces."""
WINDOW = 512
"""Maximum tokens of context; the text is read in independent windows."""


class Reads(Protocol):
    """What is needed of a model to measure it; `CausalRuntime` says more of it."""

    def empty(self) -> Any:
        """The beginning of a text."""

    def read(self, branches: Any, ids: Sequence[Sequence[int]]) -> tuple[Any, torch.Tensor]:
        """Go on with a text; also return the logits after each of its ids."""


def measure(
    exact: CausalRuntime, form: Reads, precision: Precision, ids: Sequence[int]
) -> Generator[float, None, Distance]:
    """Compare the predictions of a form with the exact ones, at every position of a text.

    Yields the share (0-1) of the text that is done, between chunks.
    """
    window = min(WINDOW, exact.context or WINDOW)
    divergence, surprisal, equal, tokens = 0.0, 0.0, 0, 0
    for start in range(0, len(ids) - 1, window):
        rows = exact.empty(), form.empty()
        stop = min(start + window, len(ids) - 1)
        for begin in range(start, stop, CHUNK):
            chunk = ids[begin : min(begin + CHUNK, stop)]
            with torch.inference_mode():
                exact_row, expected = exact.read(rows[0], [chunk])
                form_row, found = form.read(rows[1], [chunk])
                rows = exact_row, form_row
                one, other = expected[0].log_softmax(-1), found[0].log_softmax(-1)
                following = torch.tensor(ids[begin + 1 : begin + 1 + len(chunk)])[:, None]
                divergence += float((one.exp() * (one - other)).sum(-1).double().sum())
                surprisal -= float(other.gather(-1, following).double().sum())
                equal += int((one.argmax(-1) == other.argmax(-1)).sum())
            tokens += len(chunk)
            yield tokens / (len(ids) - 1)
    return Distance(
        precision=precision,
        kl=divergence / tokens,
        top1=equal / tokens,
        perplexity=math.exp(surprisal / tokens),
        tokens=tokens,
    )

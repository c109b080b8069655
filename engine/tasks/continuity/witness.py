"""The protocol of witnesses: ways to score a pair of texts."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol, TypeVar

from engine.messages import ScoreResult

Results = Generator[None, None, list[ScoreResult]]
Figures = Generator[None, None, list[float]]


class Cut(Protocol):
    """Two texts, tokenized for a witness."""

    @property
    def length(self) -> int:
        """Tokens of the longest row that is read for the pair."""


CutT = TypeVar("CutT", bound=Cut)


class Witness(Protocol[CutT]):
    """A way to score how two texts belong together.

    Pairs are read in one batch, so pass pairs of similar length (`engine.runtime.batches`). Both
    generators yield between forward passes.
    """

    def cut(self, a: str, b: str) -> CutT:
        """Tokenize two texts, neither empty nor with white space around it.

        Raises:
            EngineError: ``too_long`` or ``bad_request``, if this pair cannot be scored.
        """

    def judge(self, cuts: Sequence[CutT]) -> Results:
        """Score each pair in both orders."""

    def figures(self, cuts: Sequence[CutT]) -> Figures:
        """The main figure of each pair, for A before B only."""

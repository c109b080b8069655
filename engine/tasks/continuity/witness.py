"""What every witness to a pair can do."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Protocol, TypeVar

from engine.messages import ScoreResult

Results = Generator[None, None, list[ScoreResult]]
Figures = Generator[None, None, list[float]]


class Cut(Protocol):
    """Two texts cut into tokens as a witness reads them."""

    @property
    def length(self) -> int:
        """Tokens of the longest row that is read for the pair."""


CutT = TypeVar("CutT", bound=Cut)


class Witness(Protocol[CutT]):
    """A way to say how two texts belong together.

    Pairs cut alike are read side by side, so give it such of like length
    (`engine.runtime.batches`); both generators yield between forwards.
    """

    def cut(self, a: str, b: str) -> CutT:
        """Cut two texts, neither empty nor with white space around it.

        Raises:
            EngineError: ``too_long`` or ``bad_request``, when this pair cannot be scored.
        """

    def judge(self, cuts: Sequence[CutT]) -> Results:
        """What it says of each pair, in both orders."""

    def figures(self, cuts: Sequence[CutT]) -> Figures:
        """Its main figure of each pair, for A before B alone."""

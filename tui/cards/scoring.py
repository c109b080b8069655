"""Two sentences and what the witnesses say of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

import msgspec
from msgspec import field

from engine.messages import (
    Beside,
    Event,
    Piece,
    Score,
    ScoredToken,
    ScoreResult,
    Verdict,
)
from tui.cards.base import BaseCard, Pane
from tui.cards.figures import Fed, Gains, judgement


class ScoreCard(BaseCard, tag="score"):
    """Two sentences and how well the second continues the first."""

    request: Score
    result: ScoreResult | None = None
    """The first witness's result."""
    others: list[ScoreResult] = field(default_factory=list)
    """The results of the others, as they came."""
    verdict: Verdict | None = None

    @property
    def results(self) -> list[ScoreResult]:
        """The results of all witnesses."""
        return [*([] if self.result is None else [self.result]), *self.others]

    def tokens(self, witness: int, *, back: bool) -> Sequence[Piece | ScoredToken]:
        """The tokens that can be walked through; see `WitnessToken`."""
        match judgement(self.results[witness]).read:
            case Gains() as read:
                return read.back if back else read.there
            case Fed() as read:
                return [] if back else read.tokens
            case None:
                return []
            case never:
                assert_never(never)

    def asking(self, *, shuffles: int | None = None, beside: Beside | None = None) -> Score:
        """Ask for more than before, or another model too: the answer takes the place of this."""
        self.request = msgspec.structs.replace(
            self.request,
            shuffles=self.request.shuffles if shuffles is None else shuffles,
            beside=[*self.request.beside, *([] if beside is None else [beside])],
        )
        self.status, self.error = "running", None
        self.result, self.others, self.verdict = None, [], None
        return self.request

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "score"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return f"{self.request.a}\n{self.request.b}"

    @property
    def answer(self) -> str:
        """The judgement in one figure with its unit."""
        return "" if self.result is None else judgement(self.result).words("answer")

    def fold(self, event: Event) -> None:
        """Store one event of the answer."""
        if isinstance(event, Verdict):
            self.verdict = event
        elif not isinstance(event, ScoreResult):
            self.end(event)
        elif self.result is None:
            self.result = event
            self.precision, self.weights = event.precision, event.weights
        else:
            self.others.append(event)

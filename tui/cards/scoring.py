"""Two sentences and what the witnesses say of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import field

from engine.messages import (
    Beside,
    CosineResult,
    Event,
    NspResult,
    Piece,
    PmiResult,
    Score,
    ScoredToken,
    ScoreResult,
    SopResult,
    Verdict,
)
from tui.cards.base import BaseCard, Pane


class ScoreCard(BaseCard, tag="score"):
    """Two sentences and how well the second continues the first."""

    request: Score
    result: ScoreResult | None = None
    """The first witness's word."""
    others: list[ScoreResult] = field(default_factory=list)
    """That of the others, as they came."""
    verdict: Verdict | None = None

    @property
    def results(self) -> list[ScoreResult]:
        """What every witness said."""
        return [*([] if self.result is None else [self.result]), *self.others]

    def tokens(self, part: int) -> Sequence[Piece | ScoredToken]:
        """The tokens that can be walked through: part 2 n is those of B after A under the n-th
        witness, part 2 n + 1 those of A after B. A head is fed both at once, in part 2 n."""
        match self.results[part // 2]:
            case PmiResult() as found:
                return found.reversed.tokens if part % 2 else found.tokens
            case CosineResult():
                return []
            case found:
                return [] if part % 2 else found.tokens

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
        match self.result:
            case NspResult() | SopResult():
                return f"{self.result.margin:+.2f} nats, {self.result.probability:.2%}"
            case PmiResult():
                return f"{self.result.bits:+.2f} bits"
            case CosineResult():
                return f"{self.result.cosine:+.4f}"
            case None:
                return ""

    def fold(self, event: Event) -> None:
        """Take one event of the answer."""
        match event:
            case NspResult() | SopResult() | PmiResult() | CosineResult():
                if self.result is None:
                    self.result, self.precision = event, event.precision
                else:
                    self.others.append(event)
            case Verdict():
                self.verdict = event
            case _:
                self.end(event)

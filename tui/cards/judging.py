"""Texts judged token by token, alone or as a minimal pair."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, field

from engine.messages import (
    GREEDY,
    Continue,
    Event,
    PllMethod,
    PllToken,
    PrecisionChoice,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Timing,
    Token,
)
from tui.cards.base import BaseCard, Pane
from tui.cards.texts import ContinueCard
from tui.cards.tracked import Tracked


class PllCard(BaseCard, tag="pll"):
    """A text whose every token a masked model judged behind a mask."""

    request: PseudoLikelihood
    results: list[PseudoLikelihoodResult] = field(default_factory=list)
    """One for each method."""
    tracked: Tracked | None = None
    """As in `ContinueCard`."""

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "fill"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return self.request.text

    @property
    def result(self) -> PseudoLikelihoodResult | None:
        """The newest result."""
        return self.results[-1] if self.results else None

    @property
    def answer(self) -> str:
        """The total of each method, in nats."""
        return "\n".join(f"{found.method} {found.total:.4f}" for found in self.results)

    def fold(self, event: Event) -> None:
        """Store one event of the answer."""
        if isinstance(event, PseudoLikelihoodResult):
            self.results = [*self.results, event]
            self.precision, self.weights = event.precision, event.weights
        else:
            self.end(event)


class Pair(Struct, frozen=True, kw_only=True):
    """Two sentences to be scored by two models, the one masked, the other causal."""

    model: str
    """The pane's."""
    masked: str
    causal: str
    a: str
    b: str
    method: PllMethod
    """Of the masked model."""
    precision: PrecisionChoice
    """Of the pane's model; the other is run exactly."""

    def parts(self) -> list[PllCard | ContinueCard]:
        """A card for each sentence under each model, the masked one first."""
        return [*(self._masked(each) for each in (self.a, self.b)), *map(self._causal, self.sides)]

    @property
    def sides(self) -> tuple[str, str]:
        """Both sentences."""
        return (self.a, self.b)

    def _masked(self, sentence: str) -> PllCard:
        request = PseudoLikelihood(
            model=self.masked,
            text=sentence,
            methods=[self.method],
            precision=self._form(self.masked),
        )
        return PllCard(request=request)

    def _causal(self, sentence: str) -> ContinueCard:
        request = Continue(
            model=self.causal,
            prompt="",
            begin=sentence,
            sampling=GREEDY,
            max_tokens=0,
            precision=self._form(self.causal),
        )
        return ContinueCard(request=request, prompt="")

    def _form(self, model: str) -> PrecisionChoice:
        return self.precision if model == self.model else "exact"


class PairCard(BaseCard, tag="pair"):
    """A minimal pair: which of two sentences each of two models finds likelier, and where."""

    request: Pair
    parts: list[PllCard | ContinueCard]
    """Both sentences under the masked model, then under the causal one."""

    @classmethod
    def of(cls, request: Pair) -> PairCard:
        """A card without any answers yet."""
        return cls(request=request, parts=request.parts())

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "fill"

    @property
    def wrote(self) -> str:
        """What the person wrote last."""
        return self.request.b

    def scored(self, model: int) -> tuple[list[Measured], list[Measured]] | None:
        """The tokens of both sentences under one of the models; None until both are there."""
        one, other = (_measured(part) for part in self.parts[2 * model : 2 * model + 2])
        return None if one is None or other is None else (one, other)

    @property
    def result(self) -> PllCard | ContinueCard | None:
        """The last part, once all are answered."""
        return self.parts[-1] if self.status == "done" else None

    @property
    def answer(self) -> str:
        """How much likelier the first sentence is under each model, in nats."""
        found = ((self.parts[2 * model].request.model, self.scored(model)) for model in range(2))
        return "\n".join(
            f"{name} {total(sides[0]) - total(sides[1]):+.4f}"
            for name, sides in found
            if sides is not None
        )

    def fold(self, event: Event) -> None:
        """Store one event of the answer to the first part that has not ended."""
        part = next(part for part in self.parts if part.status == "running")
        part.fold(event)
        if part.status == "cancelled":
            for each in self.parts:
                each.interrupt()
            self.status = "cancelled"
        elif all(each.status != "running" for each in self.parts):
            self._conclude()

    def _conclude(self) -> None:
        first = self.parts[0]
        self.precision, self.weights = first.precision, first.weights
        self.timing = Timing(total_s=sum(part.timing.total_s for part in self.parts))
        failed = [part for part in self.parts if part.error is not None]
        self.status = "failed" if len(failed) == len(self.parts) else "done"

    def interrupt(self) -> None:
        """Mark a card that was running when its process ended."""
        super().interrupt()
        for part in self.parts:
            part.interrupt()


Measured = Token | PllToken
"""A token with what a model thinks of it there."""


def total(tokens: Sequence[Measured]) -> float:
    """The log-probability of all of them, in nats."""
    return sum(token.logprob for token in tokens)


def _measured(part: PllCard | ContinueCard) -> list[Measured] | None:
    """The tokens of a sentence that was scored whole; None where it was not."""
    if part.status != "done":
        return None
    if isinstance(part, PllCard):
        return [*part.results[0].tokens]
    return [*part.branches[0].tokens] if part.branches else None

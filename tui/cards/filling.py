"""Masks and the words for them."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from engine.messages import MASK, Event, Fill, FillResult
from tui.cards.base import BaseCard, Pane


class FillCard(BaseCard, tag="fill"):
    """A text with masks and the words proposed for them."""

    request: Fill
    result: FillResult | None = None

    @property
    def pane(self) -> Pane:
        """Where the card belongs."""
        return "fill"

    @property
    def wrote(self) -> str:
        """What the person wrote."""
        return self.request.text

    @property
    def answer(self) -> str:
        """The text with the likeliest word in each mask's place."""
        if self.result is None:
            return ""
        first, *rest = self.request.text.split(MASK)
        words = [mask.candidates[0].text if mask.candidates else "" for mask in self.result.masks]
        return first + "".join(w + part for w, part in zip(words, rest, strict=False))

    def put(self, words: Mapping[int, str]) -> tuple[str, Fill | None]:
        """The text with words in the place of masks, by the masks' numbers, and the question
        about those that are left; None where none is."""
        first, *rest = self.request.text.split(MASK)
        left = [number for number in range(len(rest)) if number not in words]
        filled = first + "".join(words.get(n, MASK) + part for n, part in enumerate(rest))
        if not left:
            return filled, None
        hidden = [*self.request.hidden, *[None] * len(rest)]
        request = msgspec.structs.replace(
            self.request,
            text=filled,
            hidden=[hidden[number] for number in left] if self.request.hidden else [],
            joint_methods=self.request.joint_methods if len(left) > 1 else [],
        )
        return filled, request

    def fold(self, event: Event) -> None:
        """Store one event of the answer."""
        if isinstance(event, FillResult):
            self.result = event
            self.precision, self.weights = event.precision, event.weights
        else:
            self.end(event)

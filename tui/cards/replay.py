"""Whether a continuation, run again from all that its card stores, is the same text."""

from __future__ import annotations

from collections.abc import AsyncIterable
from dataclasses import dataclass

from msgspec import structs

from engine.messages import Continue, Error, Event, Token
from tui.cards import ContinueCard


@dataclass(frozen=True)
class Difference:
    """Where two texts part first: the branch, the token's index in it, and both tokens there."""

    branch: int
    at: int
    was: Token | None
    now: Token | None


@dataclass(frozen=True)
class Replay:
    """The outcome of running a card again."""

    revision: str
    """The model's revision now."""
    difference: Difference | None
    error: Error | None = None

    @property
    def same(self) -> bool:
        """Whether every token is the same."""
        return self.difference is None and self.error is None


def request(card: ContinueCard) -> Continue:
    """The request for as much as the card holds; of one that was stopped, the longest branch."""
    longest = max((_drawn(card, branch) for branch in range(len(card.branches))), default=0)
    limit = card.request.max_tokens if card.status == "done" else longest
    return structs.replace(card.repeatable, max_tokens=limit, top=0)


def _drawn(card: ContinueCard, branch: int) -> int:
    return sum(not token.given for token in card.branches[branch].tokens[card.shared :])


async def replay(card: ContinueCard, events: AsyncIterable[Event]) -> Replay:
    """Compare a card with the events that answer its `request`."""
    again = ContinueCard(request=card.request, prompt="")
    async for event in events:
        again.fold(event)
    if again.error is not None:
        return Replay(again.revision, None, again.error)
    return Replay(again.revision, _difference(card, again))


def _difference(card: ContinueCard, again: ContinueCard) -> Difference | None:
    for number, branch in enumerate(card.branches):
        was = branch.tokens[card.shared :]
        now = again.branches[number].tokens if number < len(again.branches) else []
        if card.status != "done":
            now = now[: len(was)]  # a branch may have been stopped before the others
        for at in range(max(len(was), len(now))):
            one = was[at] if at < len(was) else None
            other = now[at] if at < len(now) else None
            if (one and one.id) != (other and other.id):
                return Difference(number, card.shared + at, one, other)
    return None

"""The conclusion from all witnesses: do two texts share a topic, and which order is likelier?

Topic: a next-sentence head votes by the larger margin of both orders, since one that saw wrong
orders in training says no to the other; a causal model by the smaller of both orders' bits per
token, as any preceding text saves some bits. Order: a sentence-order head
votes by half the difference of its two margins, a causal model by the difference of its bits in
both orders. That is log2 p(A, B) - log2 p(B, A): how much likelier the whole text is in this order.
A next-sentence head has no vote on order, for which most were not trained, and the cosine has no
vote at all, as its scale differs from model to model.

Witnesses within their thresholds abstain: if all do, the verdict is unclear. Witnesses beyond them
on opposite sides make it split.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, TypeVar, assert_never

from engine.messages import (
    CosineResult,
    NspResult,
    PmiResult,
    ScoreResult,
    SopResult,
    Verdict,
)

TOPIC_NATS = 1.0
"""Margin of a next-sentence head: e times as likely."""
TOPIC_BITS = 0.5
"""Bits per token that each text must save of the other to share a topic. Under SmolLM2 10 of 13
neighbours in held-out English do, and 5 of 15 pairs from farther apart."""
OTHER_BITS = 0.2
"""Up to this the topics differ: 1 of those neighbours, 6 of those pairs."""
ORDER_NATS = 1.0
"""Half the difference of a sentence-order head's margins."""
ORDER_BITS = 1.0
"""Bits: the whole text is twice as likely."""

Vote = TypeVar("Vote", bound=str)


def verdict(results: Iterable[ScoreResult]) -> Verdict:
    """Combine the results of all witnesses for one pair."""
    results = list(results)
    topic: list[Literal["same", "other"] | None] = []
    order: list[Literal["this", "reverse"] | None] = []
    for each in results:
        match each:
            case NspResult():
                larger = max(each.margin, each.reversed.margin)
                topic.append(_side(larger, "same", TOPIC_NATS, "other", -TOPIC_NATS))
            case SopResult():
                half = (each.margin - each.reversed.margin) / 2
                order.append(_side(half, "this", ORDER_NATS, "reverse", -ORDER_NATS))
            case PmiResult():
                lesser = min(each.bits_per_token, each.reversed.bits_per_token)
                topic.append(_side(lesser, "same", TOPIC_BITS, "other", OTHER_BITS))
                more = each.bits - each.reversed.bits
                order.append(_side(more, "this", ORDER_BITS, "reverse", -ORDER_BITS))
            case CosineResult():
                pass  # no vote
            case never:
                assert_never(never)
    return Verdict(topic=_weighed(topic), order=_weighed(order))


def _side(figure: float, yes: Vote, above: float, no: Vote, below: float) -> Vote | None:
    return yes if figure >= above else no if figure <= below else None


def _weighed(votes: Sequence[Vote | None]) -> Vote | Literal["unclear", "split"] | None:
    if not votes:
        return None
    sides = {vote for vote in votes if vote is not None}
    if len(sides) > 1:
        return "split"
    return sides.pop() if sides else "unclear"

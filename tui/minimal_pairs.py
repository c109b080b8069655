"""Two sentences that hardly differ: where their scores do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

Scored = tuple[str, float]
"""A token's text and its log-probability in nats."""


@dataclass(frozen=True)
class Difference:
    """A token that both sentences have, or the tokens of each between two such."""

    good: str
    bad: str
    difference: float
    """How much likelier the good side is here, in nats."""


def differences(good: Sequence[Scored], bad: Sequence[Scored]) -> list[Difference]:
    """Lay two sentences side by side. What is said of all parts adds up to the difference."""
    matcher = SequenceMatcher(
        None, [text for text, _ in good], [text for text, _ in bad], autojunk=False
    )
    parts: list[Difference] = []
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            parts += [_part([one], [other]) for one, other in zip(good[a:b], bad[c:d], strict=True)]
        else:
            parts.append(_part(good[a:b], bad[c:d]))
    return parts


def _part(good: Sequence[Scored], bad: Sequence[Scored]) -> Difference:
    return Difference(
        "".join(text for text, _ in good),
        "".join(text for text, _ in bad),
        sum(score for _, score in good) - sum(score for _, score in bad),
    )

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


@dataclass(frozen=True)
class Part:
    """The aligned tokens of both sides."""

    spans: tuple[range, range]
    same: bool
    """One token, which both sides have."""


def aligned(one: Sequence[str], other: Sequence[str]) -> list[Part]:
    """Lay two sentences side by side, token by token."""
    parts: list[Part] = []
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        if kind == "equal":
            pairs = zip(range(a, b), range(c, d), strict=True)
            parts += [Part((range(n, n + 1), range(m, m + 1)), True) for n, m in pairs]
        else:
            parts.append(Part((range(a, b), range(c, d)), False))
    return parts


def differences(good: Sequence[Scored], bad: Sequence[Scored]) -> list[Difference]:
    """Where one sentence is likelier. The parts add up to the whole difference."""
    parts = aligned([text for text, _ in good], [text for text, _ in bad])
    return [
        _difference([good[n] for n in part.spans[0]], [bad[n] for n in part.spans[1]])
        for part in parts
    ]


def _difference(good: Sequence[Scored], bad: Sequence[Scored]) -> Difference:
    return Difference(
        "".join(text for text, _ in good),
        "".join(text for text, _ in bad),
        sum(score for _, score in good) - sum(score for _, score in bad),
    )

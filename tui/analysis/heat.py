"""How surprising a token was, in five steps: by its probability, surprisal, entropy or rank."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal, assert_never, get_args

from engine.messages import PllToken, ScoredToken, Token

Heat = Literal["surprisal", "probability", "entropy", "rank"]
HEATS: Final[tuple[Heat, ...]] = get_args(Heat)

SURPRISING: Final = 4.0
"""Bits from which a token counts as a surprise."""
LIMITS: Final[dict[Heat, tuple[float, ...]]] = {
    "surprisal": (1, 2, SURPRISING, 7),
    "probability": (0.5, 0.2, 0.05, 0.01),
    "entropy": (1, 2, 4, 6),
    "rank": (1, 10, 100, 1000),
}
"""Where each step but the first begins: bits, probabilities, or ranks. Those of the ranks are the
ones of GLTR (Gehrmann, Strobelt & Rush 2019)."""


LIKELY: Final = (0.001, 0.01, 0.1, 0.5)
"""Probabilities of a word at which each step but the first begins."""
GAINS: Final = (-1.0, 1.0, 3.0, 6.0)
"""Bits that the text before it saves of a token, where each step but the first begins: below the
first it makes the token less likely, between the first two it does little."""


def bits(nats: float) -> float:
    """A number of nats in bits."""
    return nats / math.log(2)


def step(token: Token | PllToken, heat: Heat) -> int | None:
    """The step of a token: 0 where the model expected it, 4 where it did not expect it at all; None
    where a server does not give the figure."""
    limits = LIMITS[heat]
    match heat:
        case "surprisal":
            return sum(bits(-token.logprob) >= limit for limit in limits)
        case "entropy":
            entropy = token.entropy
            return None if entropy is None else sum(bits(entropy) >= limit for limit in limits)
        case "probability":
            return sum(math.exp(token.logprob) < limit for limit in limits)
        case "rank":
            rank = token.rank
            return None if rank is None else sum(rank > limit for limit in limits)
        case never:
            assert_never(never)


def likely_step(logprob: float) -> int:
    """The step of a word by its probability: 0 where it is unlikely, 4 where it is likely."""
    return sum(math.exp(logprob) >= limit for limit in LIKELY)


def gain(token: ScoredToken) -> float | None:
    """Bits that the text before it saves of a token; None where it was not scored."""
    if token.conditional is None or token.alone is None:
        return None
    return bits(token.conditional - token.alone)


def gain_step(token: ScoredToken) -> int | None:
    """The step of a token by its gain."""
    found = gain(token)
    return None if found is None else sum(found >= limit for limit in GAINS)


def shade(token: Token | PllToken, heat: Heat = "surprisal") -> str:
    """The style that a token is drawn in."""
    found = step(token, heat)
    return "facts" if found is None else f"token-{found}"


def bar(token: Token | PllToken, heat: Heat, levels: Sequence[str]) -> str:
    """The bar of a token's step, of those there are."""
    found = step(token, heat)
    return " " if found is None else levels[found]

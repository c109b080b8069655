"""A ranking from which of two texts was found better, pair by pair."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

_ROUNDS = 200


def ranks(wins: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The rank of everything that was compared, 1 for the best; equals share a rank.

    `wins` has for each winner whom it won against, as often as it did. The order is that of the
    strengths of a Bradley-Terry model, by the iteration of Hunter (2004). Half a win and half a
    loss against a text of strength 1 are added for each, so that one who never lost has a strength.
    """
    games: Counter[tuple[str, str]] = Counter()
    won: Counter[str] = Counter()
    for winner, losers in wins.items():
        for loser in losers:
            games[winner, loser] += 1
            games[loser, winner] += 1
            won[winner] += 1
    names = list(dict.fromkeys(one for one, _ in games))
    strength = dict.fromkeys(names, 1.0)
    for _ in range(_ROUNDS):
        for name in names:
            met = sum(
                count / (strength[name] + strength[other])
                for (one, other), count in games.items()
                if one == name
            )
            strength[name] = (won[name] + 0.5) / (met + 1 / (strength[name] + 1))
    rounded = {name: round(value, 6) for name, value in strength.items()}
    return {
        name: 1 + sum(other > value for other in rounded.values())
        for name, value in rounded.items()
    }

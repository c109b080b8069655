"""Lexical cohesion after Hearst (1997): the baseline for a model's scores of gaps."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

_WORD = re.compile(r"[a-z]{4,}|[\u30a1-\u30fa\u30fc]{2,}|[\u4e00-\u9fff]+")
"""Words of at least four letters, katakana words and runs of kanji: roughly what remains without
stop words."""


def scores(sentences: Sequence[str], block: int) -> list[float]:
    """For each gap, the cosine (0-1) of the words in the `block` sentences on both sides."""
    counts = [Counter(_WORD.findall(sentence.lower())) for sentence in sentences]
    return [
        _cosine(
            sum(counts[max(0, gap - block) : gap], Counter()),
            sum(counts[gap : gap + block], Counter()),
        )
        for gap in range(1, len(sentences))
    ]


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    lengths = math.sqrt(sum(n * n for n in one.values()) * sum(n * n for n in other.values()))
    return sum(n * other[word] for word, n in one.items()) / lengths if lengths else 0.0

"""Modified Kneser-Ney, against a plain implementation with dictionaries and values by hand."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from engine.runtime.ngram.kneser_ney import FALLBACK, KneserNey

START, END = 1, 2
Gram = tuple[int, ...]


class Plain:
    """The formulas of Chen & Goodman (1999), one at a time."""

    def __init__(self, sentences: Sequence[Sequence[int]], order: int, vocabulary: int) -> None:
        self.order, self.vocabulary = order, vocabulary
        raw: list[Counter[Gram]] = [Counter() for _ in range(order + 1)]
        for sentence in sentences:
            framed = (START, *sentence, END)
            for n in range(1, order + 1):
                raw[n].update(framed[i : i + n] for i in range(len(framed) - n + 1))
        self.a: list[dict[Gram, int]] = [{} for _ in range(order + 1)]
        self.a[order] = dict(raw[order])
        for n in range(1, order):
            before: dict[Gram, set[int]] = {}
            for gram in raw[n + 1]:
                before.setdefault(gram[1:], set()).add(gram[0])
            self.a[n] = {
                gram: count if gram[0] == START else len(before[gram])
                for gram, count in raw[n].items()
            }
        self.a[1].pop((START,), None)

    def discounts(self, n: int) -> tuple[float, float, float]:
        counts = Counter(self.a[n].values())
        n1, n2, n3, n4 = (counts[k] for k in (1, 2, 3, 4))
        if not n1 or not n2 or not n3:
            return FALLBACK
        y = n1 / (n1 + 2 * n2)
        found = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
        return found if all(0 <= d <= k for k, d in enumerate(found, 1)) else FALLBACK

    def p(self, word: int, history: Gram, n: int | None = None) -> float:
        n = self.order if n is None else n
        if n == 0:
            return 0.0 if word == START else 1 / (self.vocabulary - 1)
        own = history[len(history) - n + 1 :] if n > 1 else ()
        shorter = self.p(word, history, n - 1)
        following = {g: c for g, c in self.a[n].items() if g[:-1] == own}
        total = sum(following.values())
        if not total:
            return shorter
        d = (0.0, *self.discounts(n))
        share = sum(d[min(c, 3)] for c in following.values()) / total
        count = following.get((*own, word), 0)
        return (count - d[min(count, 3)]) / total + share * shorter


def corpus(seed: int, words: int, sentences: int) -> list[list[int]]:
    draw = random.Random(seed)
    weights = [1 / (n + 1) for n in range(words)]
    return [
        [3 + n for n in draw.choices(range(words), weights, k=draw.randint(1, 9))]
        for _ in range(sentences)
    ]


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize(("words", "sentences"), [(12, 60), (40, 30), (3, 2)])
def test_probabilities_are_those_of_the_formulas(order: int, words: int, sentences: int) -> None:
    given = corpus(order, words, sentences)
    vocabulary = 3 + words
    model = KneserNey(given, order=order, vocabulary=vocabulary, start=START, end=END)
    plain = Plain(given, order, vocabulary)
    histories: list[Gram] = [(), (START,), (START, 3), (3, 4), (4, 3, 3, 5), (0, 3), (3, 0)]
    histories.append((5, 5, 5, 5, 5))
    histories += [(START, *sentence)[:6] for sentence in given[:4]]
    for history in histories:
        found = model.distribution(history)
        assert found.sum() == pytest.approx(1.0, abs=1e-9) and found[START] == 0.0
        assert (found[[w for w in range(vocabulary) if w != START]] > 0).all()
        expected = [plain.p(word, history) for word in range(vocabulary)]
        assert np.allclose(found, expected, atol=1e-12)


def test_values_by_hand() -> None:
    """Bigrams of "a b" and "a c" (a 3, b 4, c 5), whose discounts are those for small texts."""
    model = KneserNey([[3, 4], [3, 5]], order=2, vocabulary=6, start=START, end=END)
    # What comes before: a 1 (<s>), b 1, c 1, </s> 2 (b, c); 5 in all. D1 = 0.5, D2 = 1.
    share = (3 * 0.5 + 1.0) / 5
    alone = {3: 0.5 / 5 + share / 5, 4: 0.5 / 5 + share / 5, 2: 1 / 5 + share / 5, 0: share / 5}
    found = model.distribution([])
    assert {word: found[word] for word in alone} == pytest.approx(alone)
    # After a: b once, c once. After <s>: a twice.
    after = model.distribution([START, 3])
    assert after[4] == pytest.approx(0.5 / 2 + (2 * 0.5 / 2) * alone[4])
    assert after[0] == pytest.approx((2 * 0.5 / 2) * alone[0])
    first = model.distribution([START])
    assert first[3] == pytest.approx((2 - 1.0) / 2 + 1.0 / 2 * alone[3])

"""Shuffles are a text's own parts in other orders."""

from __future__ import annotations

import pytest

from engine.tasks.continuity.shuffling import shuffles
from tests.support.fake_models import ByteTokenizer


@pytest.mark.parametrize(
    ("a", "b", "unit"),
    [
        ("One.", "two three four five", "words"),
        ("One. Two.", "Three. Four.", "sentences"),
        ("One.", "ab cd", "tokens"),
    ],
)
def test_nothing_is_added_or_lost(a: str, b: str, unit: str) -> None:
    found = shuffles(ByteTokenizer(), a, b, 20)
    if unit == "tokens":
        assert found is None  # the bytes of this tokenizer have no place in the text
        return
    assert found is not None
    assert (found.unit, len(found.pairs)) == (unit, 20)
    assert len(set(found.pairs)) > 10
    for first, second in found.pairs:
        assert sorted(f"{first} {second}".split()) == sorted(f"{a} {b}".split())
        assert len(first.split()) == len(a.split())
        assert first == a or unit == "sentences"
    assert shuffles(ByteTokenizer(), a, b, 20) == found


def test_japanese_sentences_are_joined_by_nothing() -> None:
    found = shuffles(ByteTokenizer(), "雨です。傘がない。", "帰れない。\n困った。", 8)
    assert found is not None
    assert found.unit == "sentences"
    assert not any(" " in side or "\n" in side for pair in found.pairs for side in pair)

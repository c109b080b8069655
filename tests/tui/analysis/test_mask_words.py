from __future__ import annotations

import pytest

from tui.analysis.mask_words import Word, hide, unspaced, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("   \n", []),
        ("I play baseball.", ["I", "play", "baseball"]),
        ('He said: "don\'t (ever)!"', ["He", "said", "don't", "ever"]),
        ("What is it ?", ["What", "is", "it", "?"]),
        ("a [MASK], b", ["a", "[MASK],", "b"]),
        ("東京 　と\t大阪。", ["東京", "と", "大阪"]),
        ("🗼 tower", ["🗼", "tower"]),
    ],
)
def test_words_are_split_at_spaces_and_lose_the_punctuation_around_them(
    text: str, expected: list[str]
) -> None:
    assert [text[word.start : word.end] for word in words(text)] == expected


def test_hidden_words_are_listed_in_the_order_of_the_masks() -> None:
    text = "a [MASK] b c. [MASK]"
    found = words(text)

    masked, hidden = hide(text, {found[3], found[0]})

    assert masked == "[MASK] [MASK] b [MASK]. [MASK]"
    assert hidden == ["a", None, "c", None]


def test_hiding_nothing_changes_nothing() -> None:
    assert hide("a [MASK]", []) == ("a [MASK]", [None])


def test_places_count_code_points() -> None:
    assert words("👩‍🚀 と x") == [Word(0, 3), Word(4, 5), Word(6, 7)]


@pytest.mark.parametrize(
    ("text", "expected"), [("", False), ("naïve 🗼", False), ("東京", True), ("a ひ", True)]
)
def test_scripts_without_spaces_are_known(text: str, expected: bool) -> None:
    assert unspaced(text) is expected

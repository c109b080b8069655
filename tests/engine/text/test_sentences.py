"""Sentences: split where a reader would, and nothing but white space lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.messages import Sentence
from engine.text.sentences import split


def texts(text: str) -> list[str]:
    return [sentence.text for sentence in split(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" \n\n ", []),
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Smith paid 3.14 dollars. He left.", ["Dr. Smith paid 3.14 dollars.", "He left."]),
        ("吾輩は猫である。名前はまだ無い。", ["吾輩は猫である。", "名前はまだ無い。"]),
        ("本当か？　うん!そうだ", ["本当か？", "うん!", "そうだ"]),
        ("It goes\non here. And here.", ["It goes\non here.", "And here."]),
        ("A heading\n\nA text.", ["A heading", "A text."]),
    ],
)
def test_sentences(text: str, expected: list[str]) -> None:
    assert texts(text) == expected


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_blank_line_opens_a_paragraph_whatever_ends_lines(end: str) -> None:
    text = f"One. Two.{end} {end}Three.{end}{end}{end}Four. Five."
    assert [sentence.opens for sentence in split(text)] == [False, False, True, True, False]


def test_a_capital_before_an_ideographic_space_does_no_harm() -> None:
    # The library takes the space for one byte and panics.
    assert texts("C\u3000.終わり。 A\u2028. B\x85.")


def test_a_lone_surrogate_stays_in_its_place() -> None:
    assert split("We\ud800go. No.") == [Sentence("We\ud800go.", 0, 6), Sentence("No.", 7, 10)]


_AWKWARD = st.text(
    st.sampled_from([*" \n\r\t\u3000\u2028\x85.!?。！？「」『』()\"'…,-abC1あ猫é😀\x00\ud800"])
)


@given(st.lists(st.text() | _AWKWARD | st.sampled_from(["Mr. ", "e.g. ", "\n\n", "1) "])))
def test_sentences_are_slices_in_order_with_only_white_space_between(parts: list[str]) -> None:
    text = "".join(parts)
    at = 0
    for sentence in split(text):
        assert sentence.text == text[sentence.start : sentence.end] == sentence.text.strip() != ""
        assert not text[at : sentence.start].strip()
        at = sentence.end
    assert not text[at:].strip()

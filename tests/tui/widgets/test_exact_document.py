from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tui.terminal.sanitise import clean
from tui.widgets.exact_document import ExactDocument

TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("\n\x00\x0c\u2028\u200b"))


def place(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset].split("\n")
    return len(before) - 1, len(before[-1])


@given(TEXT, TEXT, st.integers(0, 50), st.integers(0, 50))
def test_it_edits_as_a_string_does_and_draws_marks(
    text: str, new: str, start: int, length: int
) -> None:
    start = min(start, len(text))
    end = min(start + length, len(text))
    document = ExactDocument(text)
    assert document.text == text
    assert document.get_text_range(place(text, start), place(text, end)) == text[start:end]
    result = document.replace_range(place(text, start), place(text, end), new)
    assert result.replaced_text == text[start:end]
    edited = text[:start] + new + text[end:]
    assert document.text == edited
    assert document.lines == clean(edited).split("\n")
    assert result.end_location == place(edited, start + len(new))

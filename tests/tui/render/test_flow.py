from __future__ import annotations

import itertools

from hypothesis import example, given
from hypothesis import strategies as st
from rich.cells import cell_len

from tui.cards.refs import BranchToken
from tui.render.flow import Flow, Line, Span, wrap

TEXTS = st.text(
    st.sampled_from("ab 、。「」羽田é\u0301👨\u200d👩\U0001f1ef\U0001f1f5\n\t漢字ー"), max_size=60
)


def lines(text: str, width: int, indent: str = "") -> list[str]:
    return [line.text for line in wrap([Span(text)], width, indent)]


def joined(wrapped: list[Line]) -> str:
    return "".join(line.text[line.indent :] + ("" if line.soft else "\n") for line in wrapped)[:-1]


def test_words_stay_whole_and_spaces_hang() -> None:
    assert lines("the quick brown fox", 10) == ["the quick ", "brown fox"]


def test_a_word_longer_than_the_line_is_broken() -> None:
    assert lines("abcdefghij", 4) == ["abcd", "efgh", "ij"]


def test_japanese_breaks_anywhere_but_before_its_stops_and_after_its_brackets() -> None:
    assert lines("羽田空港、東京", 8) == ["羽田空", "港、東京"]
    assert lines("東京「羽田」", 6) == ["東京", "「羽", "田」"]


def test_tabs_become_spaces_and_newlines_lines() -> None:
    assert lines("a\tb\n\nc", 20) == ["a    b", "", "c"]


def test_continued_lines_are_indented_and_the_first_can_differ() -> None:
    wrapped = wrap([Span("one two three")], 9, "   ", " 1 ")
    assert [line.text for line in wrapped] == [" 1 one ", "   two ", "   three"]
    assert {line.indent for line in wrapped} == {3}


@example("\u200d\u200da、、", 4)
@given(TEXTS, st.integers(4, 20))
def test_no_line_is_wider_than_its_room_and_nothing_is_lost(text: str, width: int) -> None:
    wrapped = wrap([Span(text)], width)
    assert joined(wrapped) == text.replace("\t", "    ")
    assert all(cell_len(line.text.rstrip(" ")) <= width for line in wrapped)


@given(TEXTS, st.lists(st.integers(0, 60), max_size=8), st.integers(4, 20))
def test_a_text_in_pieces_is_laid_out_like_the_whole(
    text: str, cuts: list[int], width: int
) -> None:
    flow = Flow(width)
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    for number, (start, end) in enumerate(itertools.pairwise(places)):
        flow.add([Span(text[start:end], ref=BranchToken(0, number))])
    assert [line.text for line in flow.lines] == lines(text, width)


def test_finished_lines_are_kept_as_they_are() -> None:
    flow = Flow(6)
    flow.add([Span("one two three")])
    before = flow.lines
    flow.add([Span(" four")])
    assert all(old is new for old, new in zip(before[:-1], flow.lines, strict=False))


def test_a_grapheme_split_between_tokens_belongs_to_the_first() -> None:
    (line,) = wrap([Span("e", ref=BranchToken(0, 0)), Span("\u0301x", ref=BranchToken(0, 1))], 10)
    assert [(span.text, span.ref) for span in line.spans] == [
        ("e\u0301", BranchToken(0, 0)),
        ("x", BranchToken(0, 1)),
    ]

"""Every view fits its width, whatever the tokens are, and says without colour what it shows."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from rich.cells import cell_len

from engine.messages import (
    Answer,
    AttentionRows,
    Attribution,
    Change,
    Choice,
    Event,
    Followed,
    FollowedWord,
    HeadKey,
    HeadNumbers,
    HeadPicture,
    HeadsOfLayer,
    LensCell,
    LensLayer,
    Opened,
    Piece,
    Tensor,
)
from tui.render.flow import Line
from tui.render.inside import attention, attribution, lens, numbers, tables, walk
from tui.render.inside.view import View
from tui.terminal.sanitise import ASCII, UNICODE, Glyphs

LAYERS, HEADS = 12, 12
NASTY = ["東京の街は", "\x1b[31m", " a\n", "w" * 40, "😀", "の"]


def view(count: int, width: int, glyphs: Glyphs = UNICODE) -> View:
    """A text of so many tokens in a model of the size of GPT-2 or BERT."""
    pieces = [Piece(n, NASTY[n % 6], NASTY[n % 6], segment=n % 2) for n in range(count)]
    weights = [[1 / (n + 1)] * (n + 1) + [0.0] * (count - n - 1) for n in range(count)]
    choices = [Choice(n, NASTY[n], 3.0 - n, 0.5 / (n + 1)) for n in range(6)]
    side = min(8, count)
    picture = HeadPicture(
        entropy=1.0, pattern="previous", share=0.5, picture=[[0.5] * side for _ in range(side)]
    )
    cells = [LensCell(n, NASTY[n % 6], 0.5) for n in range(min(24, count))]
    key = HeadKey(
        position=0, key=[-12.5] * 64, value=[-12.5] * 64, dot=-9000.0, scaled=900.0, weight=1.0
    )
    probs = [0.25] * (LAYERS + 1)
    word = FollowedWord(id=3, text="w" * 40, probs=probs, ranks=[1] * (LAYERS + 1))
    events: list[Event] = [
        Opened(
            model="m",
            revision="",
            tokens=pieces,
            layers=LAYERS,
            heads=HEADS,
            position=count - 1,
            asks="next",
            causal=True,
            segments=True,
        ),
        *(
            Tensor(
                name=f"hidden_states[{n}]", stage="layer", shape=[1, count, 768], values=[-1.5] * 8
            )
            for n in range(LAYERS)
        ),
        Answer(position=count - 1, asks="next", choices=choices),
        AttentionRows(layer=0, head=0, first_row=0, first_column=0, weights=weights),
        *(HeadsOfLayer(layer=n, heads=[picture] * HEADS) for n in range(LAYERS)),
        HeadNumbers(
            layer=0,
            head=0,
            position=count - 1,
            scale=0.125,
            query=[-12.5] * 64,
            keys=[key] * min(12, count),
            others=3,
            others_weight=0.125,
            output=[-12.5] * 64,
        ),
        *(LensLayer(layer=n, first=0, cells=cells) for n in range(-1, LAYERS)),
        Followed(position=count - 1, words=[word], margins=[]),
        Attribution(
            method="direct",
            position=count - 1,
            a=choices[0],
            b=choices[3],
            difference=-1.0,
            embedding=-1.0,
            constant=0.5,
            layers=[-12.125] * LAYERS,
            heads=[[-1.5] * HEADS] * LAYERS,
        ),
    ]
    return View(
        glyphs,
        "text",
        "second",
        events,
        position=count - 1,
        width=width,
        change=Change(heads=[(0, 0)]),
    )


VIEWS: list[Callable[[View], list[Line]]] = [
    walk.lines,
    tables.tokens,
    tables.tensors,
    attention.lines,
    numbers.lines,
    lens.lines,
    attribution.lines,
]


@pytest.mark.parametrize("draw", VIEWS)
@pytest.mark.parametrize("width", [79, 120, 199])
@pytest.mark.parametrize("count", [1, 7, 128])
@pytest.mark.parametrize("glyphs", [UNICODE, ASCII])
def test_no_line_is_wider_than_the_screen(
    draw: Callable[[View], list[Line]], width: int, count: int, glyphs: Glyphs
) -> None:
    lines = draw(view(count, width, glyphs))
    assert lines
    for line in lines:
        assert cell_len(line.text.rstrip()) <= width, line.text
        assert "\x1b" not in line.text


def test_the_map_hides_what_the_causal_mask_hides() -> None:
    rows = [line.text for line in attention.lines(view(3, 79)) if "|" in line.text]
    assert [row.partition("|")[2] for row in rows[:3]] == ["██····", "▓▓▓▓··", "▓▓▓▓▓▓"]
    assert "→" in rows[2]  # the row that predicts the next token


def test_a_long_text_is_seen_through_a_window_in_half_blocks() -> None:
    drawn = attention.lines(view(128, 79))
    assert any("▄" in line.text or "▀" in line.text for line in drawn)
    assert any("Positions" in line.text for line in drawn)


def test_the_numbers_of_a_head_do_not_overflow() -> None:
    assert any("900.0000" in line.text for line in numbers.lines(view(1, 79)))

"""The bundled themes can be read, also by people who see colours differently."""

from __future__ import annotations

from itertools import pairwise

import pytest
from textual.color import Color
from textual.theme import Theme

from tui import theming
from tui.theming.contrast import ratio
from tui.theming.schema import BUCKETS, Marks

BUILTIN = theming.load_builtin().themes
EXACT = [theme for theme in BUILTIN.values() if not theme.ansi]
MARKS = [f"token-{n}" for n in range(BUCKETS)] + [*Marks.__struct_encode_fields__]
SHAPES = {"bar", "chosen"}
"""Drawn as shapes, not letters: WCAG asks 3."""


def grounds(theme: Theme) -> list[Color]:
    return [Color.parse(c) for c in (theme.background, theme.surface, theme.panel) if c]


def test_ratio_is_wcags() -> None:
    black, white = Color.parse("black"), Color.parse("white")
    assert ratio(black, white) == pytest.approx(21)
    assert ratio(white, black) == pytest.approx(21)
    assert ratio(white, white) == pytest.approx(1)
    # Published pairs: #777 on white just fails 4.5, #767676 just passes.
    assert ratio(Color.parse("#777777"), white) == pytest.approx(4.48, abs=0.01)
    assert ratio(Color.parse("#767676"), white) == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("theme", EXACT, ids=lambda theme: theme.name)
def test_every_text_can_be_read(theme: Theme) -> None:
    least = 7.0 if theme.name == "high-contrast" else 4.5
    for ground in grounds(theme):
        assert ratio(Color.parse(theme.foreground or ""), ground) >= 7.0
        for name in ("secondary", "accent", "warning", "error", "success"):
            assert ratio(Color.parse(getattr(theme, name)), ground) >= least, name
    for mark in MARKS:
        if mark == "bar-rest":
            continue
        written = theme.variables[f"{mark}-background"]
        under = grounds(theme) if written == "transparent" else [Color.parse(written)]
        color = Color.parse(theme.variables[f"{mark}-color"])
        for ground in under:
            assert ratio(color, ground) >= (3.0 if mark in SHAPES else least), mark


@pytest.mark.parametrize("theme", EXACT, ids=lambda theme: theme.name)
def test_the_row_under_the_cursor_can_be_read(theme: Theme) -> None:
    variables = theme.to_color_system().generate()
    text = Color.parse(variables["block-cursor-foreground"])
    assert ratio(text, Color.parse(variables["block-cursor-background"])) >= 4.5


@pytest.mark.parametrize("theme", BUILTIN.values(), ids=lambda theme: theme.name)
def test_no_two_neighbouring_shades_of_surprise_look_the_same(theme: Theme) -> None:
    looks = [
        (theme.variables[f"token-{n}-color"], theme.variables[f"token-{n}-style"])
        for n in range(BUCKETS)
    ]
    assert all(one != other for one, other in pairwise(looks))
    # Never by colour alone: the most surprising is also marked by its style.
    assert looks[-1][1] != "none"


# Viénot, Brettel and Mollon 1999 in linear RGB: what is left without long or medium cones.
SIGHT = {
    "protanopia": ((0.11238, 0.88762, 0.0), (0.11238, 0.88762, 0.0), (0.00401, -0.00401, 1.0)),
    "deuteranopia": ((0.29275, 0.70725, 0.0), (0.29275, 0.70725, 0.0), (-0.02234, 0.02234, 1.0)),
}


@pytest.mark.parametrize("sight", SIGHT)
def test_colour_blind_safe_keeps_likely_and_surprising_apart(sight: str) -> None:
    def seen(name: str) -> list[float]:
        color = Color.parse(BUILTIN["colour-blind"].variables[f"{name}-color"])
        linear = [(channel / 255) ** 2.2 for channel in color.rgb]
        return [sum(w * c for w, c in zip(row, linear, strict=True)) for row in SIGHT[sight]]

    likely, surprising = seen("token-0"), seen("token-4")
    # Blue against yellow is what both kinds of eyes keep.
    assert likely[2] - likely[0] > 0.25
    assert surprising[2] - surprising[0] < -0.25

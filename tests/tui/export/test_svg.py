"""Pictures are sound XML, whatever the tokens are, and large enough for what they hold."""

from __future__ import annotations

from xml.etree import ElementTree

from engine.messages import Attribution, Choice, LensCell, LensLayer
from tui.export import svg

NASTY = ['<script>"&', "\x1b[31m", "東京\n", " a", "x" * 99]
SPACE = "{http://www.w3.org/2000/svg}"


def texts(picture: str) -> list[str]:
    root = ElementTree.fromstring(picture)
    width = float(root.get("width", "0"))
    for cell in root.iter(f"{SPACE}rect"):
        if cell.get("x"):
            assert float(cell.get("x", "")) + float(cell.get("width", "")) <= width
    return [each.text or "" for each in root.iter(f"{SPACE}text")]


def test_a_map_names_its_tokens_and_shades_its_weights() -> None:
    weights = [[0.25 * (row == column) for column in range(5)] for row in range(5)]
    picture = svg.attention("A <title>", NASTY, NASTY, weights)
    shown = texts(picture)
    assert shown[0] == "A <title>"
    assert '<script>"&' in shown
    assert "東京⏎" in shown
    assert "␣a" in shown
    assert "\x1b" not in picture
    assert picture.count('fill-opacity="0.250"') == 5


def test_a_lens_has_a_cell_for_each_layer_and_position() -> None:
    cells = [LensCell(1, token, 0.5) for token in NASTY]
    shown = texts(
        svg.lens("lens", NASTY, [LensLayer(layer=n, first=0, cells=cells) for n in (-1, 0)])
    )
    assert {"embeddings", "layer 0"} <= set(shown)
    assert shown.count("50.0%") == 10


def test_an_attribution_shows_signs_without_colour() -> None:
    found = Attribution(
        method="direct",
        position=0,
        a=Choice(1, "a", 2.0, 0.5),
        b=Choice(2, "b", 1.0, 0.25),
        difference=1.0,
        embedding=0.5,
        layers=[1.5, -1.0],
        heads=[[0.25, -0.75], [0.0, 0.5]],
    )
    shown = texts(svg.attribution("what did it", found))
    assert {"+1.50", "-1.00", "-0.75", "h1"} <= set(shown)

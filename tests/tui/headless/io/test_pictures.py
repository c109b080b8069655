"""Bars as pictures; without matplotlib, only that they are refused."""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from tui.headless.io import pictures
from tui.headless.io.output import Output
from tui.headless.io.pictures import ACROSS, Panel
from tui.terminal.exit_codes import Failure

drawn = pytest.mark.skipif(find_spec("matplotlib") is None, reason="matplotlib is not installed")


@dataclass
class Command:
    svg: str | None = None
    png: str | None = None


def texts(path: Path) -> list[str]:
    found = ET.parse(path).iter("{http://www.w3.org/2000/svg}text")
    return ["".join(each.itertext()).strip() for each in found]


def bars(path: Path) -> int:
    """Filled shapes within the frame, which are clipped to it."""
    shapes = ET.parse(path).iter("{http://www.w3.org/2000/svg}path")
    return sum("clip-path" in each.attrib for each in shapes)


@drawn
def test_words_are_text_and_each_figure_a_bar(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    words = ["$a$", "<b>", "東京", "\x1b[2J", "_^{"]
    panel = Panel("the title", words, {"one": [1.0, 2.0, None, 4.0, 0.0], "two": [1.0] * 5})
    pictures.draw(Command(svg=str(path)), [panel], Output())
    found = texts(path)
    for word in ("$a$", "<b>", "東京", "_^{", "the title", "one", "two"):
        assert word in found
    assert not any("\x1b" in each for each in found)
    assert bars(path) == 9
    before = path.read_bytes()
    pictures.draw(Command(svg=str(path)), [panel], Output())
    assert path.read_bytes() == before


@drawn
def test_a_long_text_is_drawn_in_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.svg"
    words = [f"w{number}" for number in range(2 * ACROSS + 1)]
    pictures.draw(Command(svg=str(path)), [Panel("t", words, {"m": [1.0] * len(words)})], Output())
    assert [each for each in texts(path) if each.startswith("w")] == words
    assert texts(path).count("surprisal (bits)") == 3


@drawn
def test_a_png_needs_the_letters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "FONTS", ())
    path = tmp_path / "a.png"
    pictures.draw(Command(png=str(path)), [Panel("t", ["cat"], {"m": [1.0]})], Output())
    assert path.read_bytes().startswith(b"\x89PNG")
    with pytest.raises(Failure, match="東京"):
        pictures.draw(Command(png=str(path)), [Panel("t", ["東京"], {"m": [1.0]})], Output())
    with pytest.raises(Failure, match="cannot be written"):
        pictures.draw(
            Command(svg=str(tmp_path / "none" / "a.svg")),
            [Panel("t", ["a"], {"m": [1.0]})],
            Output(),
        )


def test_without_matplotlib_pictures_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert not pictures.wanted(Command())
    monkeypatch.setattr(pictures, "find_spec", lambda name: None)
    with pytest.raises(Failure, match="matplotlib"):
        pictures.wanted(Command(svg="a.svg"))

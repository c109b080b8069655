"""Pictures of what happens inside a model, as SVG: attention, lens and attribution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape

from rich.cells import cell_len

from engine.messages import Attribution, LensLayer
from tui.render.inside.view import layer_name
from tui.strings import text
from tui.terminal.sanitise import clean

LIMIT = 128
"""Positions that fit in a picture."""

_FONT = "'Noto Sans CJK JP', 'Hiragino Sans', 'Yu Gothic', 'DejaVu Sans', sans-serif"
_INK, _BLUE, _RED = "#1a1a2e", "#2457a6", "#b3392f"
_LABEL = 110
"""Pixels of the labels beside and above a map."""
_TOP = 34


def attention(
    title: str, rows: Sequence[str], columns: Sequence[str], weights: Sequence[Sequence[float]]
) -> str:
    """A map of attention: each row attends to the columns, the darker the more."""
    cell = 22
    width = _LABEL + cell * len(columns) + 20
    height = _TOP + _LABEL + cell * len(rows) + 20
    return _page(width, height, title, _map(rows, columns, weights, cell))


def _map(
    rows: Sequence[str],
    columns: Sequence[str],
    weights: Sequence[Sequence[float]],
    cell: int,
) -> Iterator[str]:
    top = _TOP + _LABEL
    for at, label in enumerate(columns):
        x, y = _LABEL + cell * at + cell * 0.7, top - 6
        turned = f'transform="rotate(-60 {x:g} {y})"'
        yield f'<text x="{x:g}" y="{y}" font-size="12" {turned}>{_label(label)}</text>'
    for at, (label, row) in enumerate(zip(rows, weights, strict=True)):
        y = top + cell * at
        yield _text(_LABEL - 8, y + cell * 0.7, _label(label), anchor="end")
        for column, weight in enumerate(row):
            x = _LABEL + cell * column
            name = f"{_label(label)} → {_label(columns[column])}: {weight:.4f}"
            yield _cell(x, y, cell - 1, cell - 1, _BLUE, weight, name)
    frame = f'width="{cell * len(columns)}" height="{cell * len(rows)}"'
    yield f'<rect x="{_LABEL}" y="{top}" {frame} fill="none" stroke="#999"/>'


def lens(title: str, tokens: Sequence[str], layers: Sequence[LensLayer]) -> str:
    """A table of layers and positions: the likeliest piece and its probability."""
    wide, tall = 92, 34
    width = _LABEL + wide * len(tokens) + 20
    height = _TOP + 26 + tall * len(layers) + 20
    return _page(width, height, title, _table(tokens, layers, wide, tall))


def _table(
    tokens: Sequence[str], layers: Sequence[LensLayer], wide: int, tall: int
) -> Iterator[str]:
    top = _TOP + 26
    for at, token in enumerate(tokens):
        x = _LABEL + wide * at + wide / 2
        yield _text(x, top - 8, _label(token), anchor="middle", weight="bold")
    for row, layer in enumerate(layers):
        y = top + tall * row
        yield _text(_LABEL - 8, y + 21, layer_name(layer.layer), anchor="end")
        for at, cell in enumerate(layer.cells):
            x, name = _LABEL + wide * at, _label(cell.text)
            yield _cell(x, y, wide - 2, tall - 2, _BLUE, 0.6 * cell.prob, f"{name} {cell.prob:.4f}")
            yield _text(x + wide / 2, y + 15, name, anchor="middle")
            yield _text(x + wide / 2, y + 28, f"{cell.prob:.1%}", anchor="middle", size=10)


def attribution(title: str, found: Attribution) -> str:
    """What each layer adds as bars, and what each head adds as a map."""
    count, heads = len(found.layers), max(map(len, found.heads), default=0)
    width = 460 + 46 * heads + 20
    height = _TOP + 40 + 26 * (count + 2) + 20
    return _page(width, height, title, _bars(found))


def _bars(found: Attribution) -> Iterator[str]:
    top, middle, half = _TOP + 40, 270, 130
    rows = [(layer_name(-1), found.embedding), (text("svg.constant"), found.constant)]
    rows += [(layer_name(layer), value) for layer, value in enumerate(found.layers)]
    largest = max((abs(value) for _, value in rows), default=1.0) or 1.0
    for at, (name, value) in enumerate(rows):
        y, long = top + 26 * at, half * abs(value) / largest
        yield _text(_LABEL, y + 15, name, anchor="end")
        x = middle if value >= 0 else middle - long
        yield _cell(x, y + 2, long, 18, _BLUE if value >= 0 else _RED, 0.8, f"{value:+.4f}")
        yield _text(middle + half + 8, y + 15, f"{value:+.2f}")
    strongest = max((abs(v) for row in found.heads for v in row), default=1.0) or 1.0
    for layer, row in enumerate(found.heads):
        y = top + 26 * (layer + 2)
        for head, value in enumerate(row):
            x = 460 + 46 * head
            if not layer:
                yield _text(x + 22, top + 26 * 2 - 8, f"h{head}", anchor="middle", size=11)
            colour = _BLUE if value >= 0 else _RED
            name = f"{layer}.{head}: {value:+.4f}"
            yield _cell(x, y, 44, 24, colour, 0.75 * abs(value) / strongest, name)
            yield _text(x + 22, y + 16, f"{value:+.2f}", anchor="middle", size=11)


def _label(written: str) -> str:
    """A token in few characters; a space and a line break can be seen."""
    shown = clean(written).replace(" ", "␣").replace("\n", "⏎")
    return escape(shown if len(shown) <= 12 else f"{shown[:11]}…", {'"': "&quot;"})


def _cell(
    x: float, y: float, width: float, height: float, colour: str, opacity: float, name: str
) -> str:
    size = f'width="{width:g}" height="{height:g}"'
    return (
        f'<rect x="{x:g}" y="{y:g}" {size} fill="{colour}" fill-opacity="{opacity:.3f}">'
        f"<title>{name}</title></rect>"
    )


def _text(
    x: float,
    y: float,
    written: str,
    *,
    anchor: str = "start",
    weight: str = "normal",
    size: int = 12,
) -> str:
    look = f'text-anchor="{anchor}" font-weight="{weight}" font-size="{size}"'
    return f'<text x="{x:g}" y="{y:g}" {look}>{written}</text>'


def _page(width: float, height: float, title: str, parts: Iterator[str]) -> str:
    width = max(width, 32 + 9 * cell_len(title))
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}"'
    view = f'viewBox="0 0 {width:g} {height:g}" font-family="{_FONT}" fill="{_INK}">'
    ground = '<rect width="100%" height="100%" fill="#ffffff"/>'
    heading = f'<text x="16" y="22" font-size="14">{escape(clean(title))}</text>'
    return "\n".join([f"{head} {view}", ground, heading, *parts, "</svg>", ""])

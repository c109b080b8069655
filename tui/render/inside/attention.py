"""A head as a map and on the text, and all heads at a glance. Shapes alone show the weights."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest

from rich.cells import cell_len, set_cell_size

from engine.messages import AttentionRows, HeadPicture, HeadsOfLayer
from tui.analysis.heat import bits
from tui.render import bars
from tui.render.flow import Line, Span
from tui.render.inside.view import View, heading, sentence
from tui.strings import listed, text
from tui.terminal.sanitise import Glyphs

_WIDE = 120
"""Columns from which the grid of all heads is beside the chosen one."""
_LABEL = 12


def lines(view: View) -> list[Line]:
    """The chosen head, large; then all heads, or beside it where there is room."""
    if view.opened is None:
        return []
    wide = view.width >= _WIDE
    half = view.width // 2 - 2 if wide else view.width
    one, grid = _head(view, half), _grid(view, half)
    if not wide:
        return [*one, Line(), *grid]
    return [_beside(left, right, half) for left, right in zip_longest(one, grid, fillvalue=Line())]


def _beside(left: Line, right: Line, width: int) -> Line:
    gap = " " * max(1, width + 2 - cell_len(left.text))
    return Line((*left.spans, Span(gap), *right.spans))


def shade(weight: float, glyphs: Glyphs) -> str:
    """A cell of a map. What is hardly anything is drawn as nothing."""
    steps = (0.02, 0.1, 0.3, 0.6)
    return glyphs.shades[sum(weight >= step for step in steps)]


def _head(view: View, width: int) -> list[Line]:
    rows = view.of(AttentionRows)
    picture = _picture(view, view.layer, view.head)
    found = [
        heading(
            text("screens.inside.attention.head", layer=view.layer, head=view.head), _facts(picture)
        )
    ]
    if not rows:
        return found
    first, column = rows[0].first_row, rows[0].first_column
    weights = [row for some in rows for row in some.weights]
    found += map_lines(view, weights, first, column, width)
    found += [Line(), *_weights(view, weights, first, column, width)]
    return found


def _facts(picture: HeadPicture | None) -> str:
    if picture is None:
        return ""
    entropy = text("live.entropy", n=f"{bits(picture.entropy):.2f}")
    return listed((entropy, pattern(picture)))


def pattern(picture: HeadPicture) -> str:
    """Where a head attends, in a word and its share."""
    name = text(f"screens.inside.pattern.{picture.pattern or 'mixed'}")
    return f"{name} {picture.share:.0%}" if picture.pattern else name


def _picture(view: View, layer: int, head: int) -> HeadPicture | None:
    layers = [each for each in view.of(HeadsOfLayer) if each.layer == layer]
    return layers[0].heads[head] if layers and head < len(layers[0].heads) else None


def map_lines(
    view: View, weights: Sequence[Sequence[float]], first: int, column: int, width: int
) -> list[Line]:
    """Rows attend to columns. Two cells for each column where they fit, else half blocks."""
    opened, glyphs = view.opened, view.glyphs
    assert opened is not None
    room = width - _LABEL - 6 - len(_side(view, 0))
    tall = max(8, view.height - 8)
    found: list[Line] = []
    if 2 * len(weights[0]) <= room and len(weights) <= max(tall, 16):
        ruler = "".join(f"{(column + n) % 100:>2}" for n in range(len(weights[0])))
        found.append(Line((Span(" " * (width - room) + ruler, "facts"),)))
        for at, row in enumerate(weights, first):
            cells = [shade(weight, glyphs) * 2 for weight in row]
            hidden = range(at + 1 - column, len(row)) if opened.causal else ()
            for n in hidden:
                cells[n] = glyphs.hidden * 2
            found.append(_row(view, at, "".join(cells)))
        return found
    across = view.window(room)
    down = view.window(2 * tall)
    for at in range(down.start, down.stop, 2):
        points = ""
        for n in across:
            above, below = (
                _on(weights, row - first, n - column) for row in (at, min(at + 1, down.stop - 1))
            )
            points += glyphs.halves[above + 2 * below]
        found.append(_row(view, at, points, double=True))
    found += sentence(
        text("screens.inside.attention.halves", first=across.start, last=across.stop - 1), width
    )
    return found


def _on(weights: Sequence[Sequence[float]], row: int, column: int) -> bool:
    """Whether a weight is at least half of the largest in its row."""
    there = 0 <= row < len(weights) and 0 <= column < len(weights[0])
    return there and 0 < max(weights[row]) <= 2 * weights[row][column]


def _row(view: View, at: int, cells: str, double: bool = False) -> Line:
    opened = view.opened
    assert opened is not None
    chosen = view.position in ((at, at + 1) if double else (at,))
    answers = opened.position in ((at, at + 1) if double else (at,))
    mark = view.glyphs.arrow[:1] if answers else " "
    name = _side(view, at) + view.cell(view.tokens[at], _LABEL)
    return Line(
        (
            Span(f"{at:>4}{mark}", "facts"),
            Span(name, "cursor" if chosen else ""),
            Span("|", "facts"),
            Span(cells, "bar"),
        )
    )


def _weights(
    view: View, weights: Sequence[Sequence[float]], first: int, column: int, width: int
) -> list[Line]:
    """The attention from or to the chosen token, for each token of the text."""
    opened = view.opened
    assert opened is not None
    at = view.position
    if not first <= at < first + len(weights):
        return []
    way = "to" if view.to_token else "from"
    title = text(f"screens.inside.attention.{way}", token=view.brief(view.tokens[at]), position=at)
    if view.to_token:
        values = {first + n: row[at - column] for n, row in enumerate(weights)}
        total = ""
    else:
        values = {column + n: weight for n, weight in enumerate(weights[at - first])}
        part = "sum" if len(values) == len(view.tokens) else "sum_part"
        total = text(f"screens.inside.attention.{part}", sum=f"{sum(values.values()):.4f}")
        if at == opened.position:
            total += f", {text(f'screens.inside.answers_{opened.asks}')}"
    found = [heading(title, total)]
    for other, weight in values.items():
        if opened.causal and ((other > at) != view.to_token) and other != at:
            continue  # hidden by the causal mask
        name = _side(view, other) + view.cell(view.tokens[other], _LABEL)
        found.append(bars.row(str(other), name, weight, min(width, 70), view.glyphs))
    if opened.causal:
        found += sentence(text(f"screens.inside.attention.mask_{way}"), width)
    return found


def _side(view: View, at: int) -> str:
    """Which of two texts a token belongs to, where the model is told."""
    told = view.opened is not None and view.opened.segments and view.tokens[-1].segment
    return text(f"screens.inside.segment_{view.tokens[at].segment}") if told else ""


def _grid(view: View, width: int) -> list[Line]:
    """Every head as a miniature, a layer below the other; the chosen one is framed."""
    opened = view.opened
    assert opened is not None
    layers = view.of(HeadsOfLayer)
    title = text("screens.inside.attention.grid", layers=opened.layers, heads=opened.heads)
    found = [heading(title)]
    cell = max(3, min(8, (width - 4) // opened.heads - 2))
    fit = max(1, (width - 4) // (cell + 2))
    first = max(0, min(view.head - fit // 2, opened.heads - fit))
    for layer in layers:
        shown = layer.heads[first : first + fit]
        drawn = [_miniature(each.picture, cell, view.glyphs) for each in shown]
        for row in range(max(map(len, drawn), default=0)):
            spans = [Span(f"{layer.layer:>3} " if row == 0 else "    ", "facts")]
            for number, picture in enumerate(drawn, first):
                chosen = (layer.layer, number) == (view.layer, view.head)
                left, right = ("[", "]") if chosen else (" ", " ")
                style = "chosen" if chosen else "bar"
                spans += [Span(left, "chosen"), Span(picture[row], style), Span(right, "chosen")]
            found.append(Line(tuple(spans)))
        names = "".join(_short(each, cell + 2) for each in shown)
        found.append(Line((Span(f"    {names}", "facts"),)))
    return found


def _short(picture: HeadPicture, width: int) -> str:
    """The pattern in as many cells as the miniature takes."""
    name = text(f"screens.inside.pattern_short.{picture.pattern or 'mixed'}")
    return set_cell_size(set_cell_size(f" {name}", width - 1), width)


def _miniature(picture: Sequence[Sequence[float]], cells: int, glyphs: Glyphs) -> list[str]:
    """Half blocks where a part of the head's map holds much attention."""
    side = len(picture)
    points = min(cells, side)

    def on(row: int, column: int) -> bool:
        rows = range(
            row * side // points, max(row * side // points + 1, (row + 1) * side // points)
        )
        columns = range(
            column * side // points,
            max(column * side // points + 1, (column + 1) * side // points),
        )
        return max(picture[r][c] for r in rows for c in columns) >= 0.25

    drawn = []
    for row in range(0, points, 2):
        line = "".join(
            glyphs.halves[on(row, n) + 2 * (row + 1 < points and on(row + 1, n))]
            for n in range(points)
        )
        drawn.append(line.ljust(cells))
    return drawn

"""Layers by positions: what each layer would answer, and words through the layers."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from engine.messages import Followed, LensLayer
from tui.render.flow import Line, Span
from tui.render.inside.view import View, heading, layer_name, sentence
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.terminal.sanitise import token as shown
from tui.terminal.units import padded

_NAME = 11
_CELL = 13


def lines(view: View) -> list[Line]:
    """The table around the chosen token, then the words that are followed there."""
    if view.opened is None:
        return []
    found = sentence(text("screens.inside.lens.text"), view.width)
    found += _table(view)
    followed = next(iter(view.of(Followed)), None)
    return found if followed is None else [*found, Line(), *_words(view, followed)]


def _table(view: View) -> list[Line]:
    columns = view.window((view.width - _NAME) // _CELL)
    head = [Span(" " * _NAME)]
    for at in columns:
        style = "cursor" if at == view.position else "label"
        head += [Span(view.cell(view.tokens[at], _CELL - 1), style), Span(" ")]
    found = [Line(tuple(head))]
    for layer in view.of(LensLayer):
        spans = [Span(padded(layer_name(layer.layer), _NAME), "facts")]
        for at in columns:
            cell = layer.cells[at - layer.first] if at - layer.first < len(layer.cells) else None
            if cell is None:
                continue
            word = set_cell_size(shown(cell.text, cell.id, view.glyphs), _CELL - 6)
            style = "chosen" if at == view.position else ""
            spans += [Span(word, style), Span(f"{cell.prob:>5.0%} ", "facts")]
        found.append(Line(tuple(spans)))
    return found


def _words(view: View, followed: Followed) -> list[Line]:
    """A line for each word: its probability after each layer, as a height and in numbers."""
    token = view.brief(view.tokens[followed.position])
    found: list[Line] = []
    if followed.margins:
        found.append(heading(text("screens.inside.lens.margins")))
        figures = "  ".join(f"{margin:+.2f}" for margin in followed.margins)
        found.append(Line((Span(f"  {figures}"),)))
    found.append(
        heading(text("screens.inside.lens.words", token=token, position=followed.position))
    )
    levels = view.glyphs.levels
    names = {word.id: shown(word.text, word.id, view.glyphs) for word in followed.words}
    column = min(16, max(map(cell_len, names.values()), default=1))
    count = len(followed.words[0].probs) if followed.words else 0
    fit = max(1, (view.width - column - count - 16) // 6)
    for word in followed.words:
        heights = "".join(levels[min(len(levels) - 1, int(p * len(levels)))] for p in word.probs)
        last = " ".join(f"{prob:>5.1%}" for prob in word.probs[-fit:])
        spans = (
            Span(f"  {set_cell_size(names[word.id], column)} "),
            Span(heights, "bar"),
            Span(f"  {last}", ""),
            Span(f"  {text('screens.inside.lens.rank', n=word.ranks[-1])}", "facts"),
        )
        found.append(Line(spans))
    if fit < count:
        found += sentence(text("screens.inside.lens.last", n=fit), view.width)
    for absent in followed.missing:
        found += sentence(text("screens.inside.lens.missing", word=clean(absent)), view.width)
    return found

"""The tokens that the model is fed, and the tensors of the pass, in columns."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size

from engine.messages import Tensor
from tui.render.flow import Line, Span
from tui.render.inside.view import View, heading, numbers, sentence, size
from tui.strings import text


def tokens(view: View) -> list[Line]:
    """A line for each token: position, id, segment, mask, piece and where it is in the text."""
    opened = view.opened
    if opened is None:
        return []
    found = sentence(text("screens.inside.tokens.text"), view.width)
    found.append(heading(text("screens.inside.tokens.columns")))
    for at, piece in enumerate(view.tokens):
        place = "" if piece.start is None else f"{piece.start}-{piece.end}"
        note = text(f"screens.inside.answers_{opened.asks}") if at == opened.position else ""
        row = f"{at:>4} {piece.id:>8} {piece.segment:>4} {1:>4} {place:>9}  "
        name = view.cell(piece, 18)
        style = "cursor" if at == view.position else ""
        found.append(
            Line(
                (
                    Span(_mark(view, at), "chosen"),
                    Span(row),
                    Span(name, style),
                    Span(f" {note}", "facts"),
                )
            )
        )
    return found


def _mark(view: View, at: int) -> str:
    return view.glyphs.gutter if at == view.position else " "


def tensors(view: View) -> list[Line]:
    """A line for each tensor: name, shape, and its first numbers at the chosen token."""
    if view.opened is None:
        return []
    piece = view.tokens[view.position]
    written = text("screens.inside.tensors.text", position=view.position, token=view.brief(piece))
    found = sentence(written, view.width)
    stage = ""
    column = max((cell_len(each.name) for each in view.of(Tensor)), default=0)
    for each in view.of(Tensor):
        if each.stage != stage:
            stage = each.stage
            found.append(heading(text(f"screens.inside.tensors.{stage}")))
        name = set_cell_size(each.name, column)
        found.append(Line((Span(f"  {name} "), Span(size(each.shape), "label"))))
        if each.values:
            count = max(2, (view.width - 12) // 10)
            values = each.values[:count]
            more = each.shape[-1] > len(values)
            written = numbers(values, more, places=0 if each.stage == "input" else 4)
            found.append(Line((Span(f"      {written}", "facts"),)))
    return found

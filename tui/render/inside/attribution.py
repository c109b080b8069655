"""What each layer and each head adds to one word rather than another."""

from __future__ import annotations

from rich.cells import cell_len

from engine.messages import Answer, Attribution, Progress
from tui.render.flow import Line, Span
from tui.render.inside.view import View, answer_lines, heading, layer_name, sentence
from tui.strings import text
from tui.terminal.units import padded

_NAME = 11
_HALF = 12


def lines(view: View) -> list[Line]:
    """The answer, then a line for each layer with its heads."""
    if view.opened is None:
        return []
    found: list[Line] = []
    answer = next(iter(view.of(Answer)), None)
    if answer is not None:
        token = view.brief(view.tokens[answer.position])
        found.append(
            heading(
                text("screens.inside.attribution.answer", token=token, position=answer.position)
            )
        )
        found += [*answer_lines(view, answer, 3), Line()]
    attribution = next(iter(view.of(Attribution)), None)
    if attribution is not None:
        return [*found, *_parts(view, attribution)]
    progress = next(reversed(view.of(Progress)), None)
    if progress is not None:
        found += sentence(
            text("screens.inside.attribution.working", done=progress.done, total=progress.total),
            view.width,
        )
    return found


def _parts(view: View, found: Attribution) -> list[Line]:
    title = text(
        "screens.inside.attribution.title",
        a=view.choice(found.a),
        b=view.choice(found.b),
        difference=f"{found.difference:+.3f}",
    )
    lines = [heading(title)]
    lines += sentence(text(f"screens.inside.attribution.{found.method}"), view.width)
    rows = [(layer_name(-1), found.embedding, -1)]
    if found.constant:
        rows.append((text("svg.constant"), found.constant, -1))
    rows += [(layer_name(number), value, number) for number, value in enumerate(found.layers)]
    largest = max((abs(value) for _, value, _ in rows), default=1.0) or 1.0
    wide = _NAME + 2 * _HALF + 9
    parts = [text("screens.inside.attribution.mlp")] if found.mlp else []
    room = max(1, (view.width - wide) // 8 - len(parts))
    count = len(found.heads[0])
    first = max(0, min(view.head - room // 2, count - room))
    shown = range(first, min(first + room, count))
    names = [*parts, *(text("screens.inside.attribution.head", n=n) for n in shown)]
    lines.append(Line((Span(" " * wide + "".join(f"{name:>8}" for name in names), "facts"),)))
    for name, value, layer in rows:
        spans = [Span(padded(name, _NAME), "cursor" if layer == view.layer else "facts")]
        spans += [*_bar(view, value / largest), Span(f"{value:>+8.3f}")]
        if layer >= 0:
            spans += [Span(f"{found.mlp[layer]:>+8.3f}", "facts")] if found.mlp else []
            for head in shown:
                chosen = (layer, head) == (view.layer, view.head)
                spans.append(Span(f"{found.heads[layer][head]:>+8.3f}", "cursor" if chosen else ""))
        lines.append(Line(tuple(spans)))
    total = found.embedding + found.constant + sum(found.layers)
    written = text("screens.inside.attribution.total", total=f"{total:+.3f}")
    lines.append(Line((Span(" " * (wide - cell_len(written)) + written, "label"),)))
    return lines


def _bar(view: View, share: float) -> list[Span]:
    """A bar to the right for what adds to A, to the left for what adds to B."""
    glyphs = view.glyphs
    cells = round(abs(share) * _HALF)
    full = glyphs.bar[0] * cells
    left = full.rjust(_HALF) if share < 0 else " " * _HALF
    right = full.ljust(_HALF) if share >= 0 else " " * _HALF
    return [Span(left, "bar"), Span("|", "facts"), Span(right, "bar")]

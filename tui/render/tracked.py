"""Words that were tracked through a text: a row of small bars for each, and their figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from engine.messages import TrackedWord
from tui.analysis.heat import likely_step
from tui.analysis.tracks import EVEN_BITS, difference
from tui.cards import Measured
from tui.cards.refs import Ref
from tui.render.flow import Line, Span
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown
from tui.terminal.units import chance, padded

_INDENT = "  "
_WHICH = "+/-"
"""The name of the row that says which of two words is likelier."""


def style(words: Sequence[TrackedWord], place: int) -> str:
    """How the token at a place is drawn: by the probability of the first word there."""
    logprobs = words[0].logprobs
    logprob = logprobs[place] if place < len(logprobs) else None
    return "" if logprob is None else f"token-{likely_step(logprob)}"


def rows(
    words: Sequence[TrackedWord],
    tokens: Sequence[Measured],
    refs: Sequence[Ref],
    width: int,
    glyphs: Glyphs,
) -> list[Line]:
    """The tokens, and below each a bar for each word; of two words also which is likelier there."""
    names = ["", *(word.word for word in words), *([_WHICH] if len(words) == 2 else [])]
    room = min(max(cell_len(clean(name)) for name in names), max(1, width // 4))
    heads = [f"{_INDENT}{set_cell_size(clean(name), room)} " for name in names]
    left = whole = width - room - len(_INDENT) - 1
    lines: list[Line] = []
    columns: list[list[Span]] = []

    def close() -> None:
        for number, head in enumerate(heads):
            spans = (column[number] for column in columns)
            lines.append(Line((Span(head, "label"), *spans), indent=len(head)))
        columns.clear()

    for place, (token, ref) in enumerate(zip(tokens, refs, strict=True)):
        name = shown(token.text.strip() or token.text, token.id, glyphs)
        cells = min(cell_len(name), whole - 1) + 1
        if cells > left and columns:
            close()
            left = whole
        left -= cells
        marks = [Span(set_cell_size(name, cells - 1), style(words, place), ref)]
        marks += [_bar(word, place, ref, glyphs) for word in words]
        if len(words) == 2:
            marks.append(Span(_sign(words, place), "", ref))
        columns.append([_filled(mark, cells) for mark in marks])
    if columns:
        close()
    return lines


def _filled(span: Span, cells: int) -> Span:
    return Span(padded(span.text, cells), span.style, span.ref)


def _bar(word: TrackedWord, place: int, ref: Ref, glyphs: Glyphs) -> Span:
    logprob = word.logprobs[place] if place < len(word.logprobs) else None
    if logprob is None:
        return Span(" ", "", ref)
    level = likely_step(logprob)
    return Span(glyphs.levels[level], f"token-{level}", ref)


def _sign(words: Sequence[TrackedWord], place: int) -> str:
    """Which of two words is likelier at a place, by a bit or more."""
    found = difference(words, place) if place < len(words[0].logprobs) else None
    if found is None:
        return " "
    return "=" if abs(found) < EVEN_BITS else "+" if found > 0 else "-"


def figures(words: Sequence[TrackedWord], place: int, width: int) -> list[Line]:
    """The figures of each word at a place, for the inspector."""
    lines: list[Line] = []
    for word in words:
        logprob = word.logprobs[place] if place < len(word.logprobs) else None
        value = "–"
        if logprob is not None:
            value = text("inspector.tracked", chance=chance(logprob), rank=word.ranks[place])
        name = padded(clean(word.word), width)
        lines.append(Line((Span(f" {name}", "chip"), Span(value)), indent=1))
    found = difference(words, place) if place < len(words[0].logprobs) else None
    if found is not None:
        name = padded(text("inspector.difference_of_two"), width)
        value = text("inspector.bits", n=f"{found:+.2f}")
        lines.append(Line((Span(f" {name}", "facts"), Span(value)), indent=1))
    return lines

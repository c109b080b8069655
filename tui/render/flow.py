"""Text that flows into lines of a given width in terminal cells, a piece at a time.

Finished lines never change: new text can only alter the last one. So a `Flow` keeps its finished
lines and lays out anew only the line that is still open, which is what makes streaming cheap.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rich.cells import cell_len, split_graphemes

from tui.cards.refs import Ref
from tui.render.line_breaks import NO_END, NO_START

TAB = 4


@dataclass(frozen=True, slots=True)
class Span:
    """A run of text in one style, perhaps with a place that the cursor can be on."""

    text: str
    style: str = ""
    """The name of a component class without its prefix; empty for the widget's own style."""
    ref: Ref | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the screen."""

    spans: tuple[Span, ...] = ()
    soft: bool = False
    """True when the paragraph goes on in the next line."""
    indent: int = 0
    """How many characters at its start are not part of the text."""

    @property
    def text(self) -> str:
        """The line without its styles."""
        return "".join(span.text for span in self.spans)


@dataclass(frozen=True, slots=True)
class _Cell:
    """One grapheme of the open line."""

    text: str
    width: int
    style: str
    ref: Ref | None


class Flow:
    """Lays spans out in lines of at most `width` cells, each after an indent."""

    def __init__(self, width: int, indent: str = "", first: str | None = None) -> None:
        self._indent = indent
        self._first = indent if first is None else first
        self._width = max(2, width - len(indent))  # 2: the widest grapheme has to fit
        self._done: list[Line] = []
        self._open: list[_Cell] = []
        self._used = 0
        """Cells that the open line takes."""

    @property
    def lines(self) -> list[Line]:
        """All lines so far, the open one last."""
        return [*self._done, self._line(self._open, soft=False, index=len(self._done))]

    def add(self, spans: Iterable[Span]) -> None:
        """Append spans. Newlines in them end lines; tabs become spaces up to the next stop."""
        for span in spans:
            head, *rest = span.text.split("\n")
            self._extend(head, span)
            for part in rest:
                self._finish(self._open, soft=False)
                self._open, self._used = [], 0
                self._extend(part, span)

    def _extend(self, text: str, span: Span) -> None:
        """Append text that holds no newline, closing lines as they fill."""
        if not text:
            return
        # A grapheme can go on across spans (an accent, a joined emoji): measure with the last one.
        last = self._open.pop() if self._open else None
        self._used -= last.width if last else 0
        before = last.text if last else ""
        expanded = text.replace("\t", " " * TAB)
        whole = before + expanded
        for start, end, width in split_graphemes(whole)[0]:
            owner = last if last is not None and start < len(before) else span
            # rich's two measures differ where a joiner has nothing to join; the wider one is safe.
            width = max(width, cell_len(whole[start:end]))
            self._push(_Cell(whole[start:end], width, owner.style, owner.ref))

    def _push(self, cell: _Cell) -> None:
        """Put one grapheme on the open line, closing the line before it where it overflows."""
        self._open.append(cell)
        self._used += cell.width
        # Spaces hang over the edge instead of beginning the next line. What is carried over can
        # overflow again where it may not break.
        while self._used > self._width and cell.text != " ":
            at = next((at for at in range(len(self._open) - 1, 0, -1) if self._breakable(at)), None)
            at = max(1, len(self._open) - 1) if at is None else at
            self._finish(self._open[:at], soft=True)
            self._open = self._open[at:]
            self._used = sum(left.width for left in self._open)

    def _breakable(self, at: int) -> bool:
        """True where the open line may break before its grapheme `at`."""
        left, right = self._open[at - 1], self._open[at]
        if left.text == " ":
            return right.text != " "
        if left.text in NO_END or right.text in NO_START:
            return False
        return left.width > 1 or right.width > 1

    def _finish(self, cells: list[_Cell], *, soft: bool) -> None:
        self._done.append(self._line(cells, soft=soft, index=len(self._done)))

    def _line(self, cells: list[_Cell], *, soft: bool, index: int) -> Line:
        """Merge cells of one style and token into spans, after the indent."""
        indent = self._first if index == 0 else self._indent
        spans: list[Span] = [Span(indent)] if indent else []
        run: list[str] = []
        for number, cell in enumerate(cells):
            run.append(cell.text)
            after = cells[number + 1] if number + 1 < len(cells) else None
            if after is None or (after.style, after.ref) != (cell.style, cell.ref):
                spans.append(Span("".join(run), cell.style, cell.ref))
                run = []
        return Line(tuple(spans), soft, len(indent))


def wrap(
    spans: Iterable[Span], width: int, indent: str = "", first: str | None = None
) -> list[Line]:
    """Lay out a text that is already whole."""
    flow = Flow(width, indent, first)
    flow.add(spans)
    return flow.lines

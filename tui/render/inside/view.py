"""What all views are drawn from, and lines that several have."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from rich.cells import cell_len, set_cell_size

from engine.messages import Answer, Change, Choice, Event, Opened, Piece
from tui.render import bars
from tui.render.flow import Line, Span, wrap
from tui.strings import listed, text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown

T = TypeVar("T")
NO_CHANGE = Change()


@dataclass
class View:
    """What was found so far, and where the cursor is."""

    glyphs: Glyphs
    text: str
    second: str | None
    events: list[Event] = field(default_factory=list)
    """Of the questions that the view asks, as far as they were answered."""
    before: Answer | None = None
    """The answer of the model as it is, where it is altered."""
    position: int = 0
    layer: int = 0
    head: int = 0
    change: Change = NO_CHANGE
    to_token: bool = False
    """Whether attention is shown to the chosen token, not from it."""
    keys: tuple[str, ...] = ("1", "2", "3", "4", "5", "6", "7")
    """The key of each view."""
    width: int = 80
    height: int = 20

    def of(self, kind: type[T]) -> list[T]:
        """The events of one kind."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def opened(self) -> Opened | None:
        """What was read, once that is there."""
        return next(iter(self.of(Opened)), None)

    @property
    def tokens(self) -> list[Piece]:
        """The tokens of the text."""
        return [] if self.opened is None else self.opened.tokens

    def name(self, piece: Piece) -> str:
        """A token in one line, as the vocabulary spells it."""
        return shown(piece.piece or piece.text, piece.id, self.glyphs)

    def brief(self, piece: Piece) -> str:
        """A token in at most 16 cells."""
        return self.cell(piece, min(16, cell_len(self.name(piece))))

    def cell(self, piece: Piece, width: int) -> str:
        """A token in exactly `width` cells."""
        return set_cell_size(self.name(piece), width)

    def choice(self, choice: Choice) -> str:
        """A possible answer in words."""
        if self.opened is not None and self.opened.asks == "pair":
            return text(f"svg.pair_{choice.id}")
        return shown(choice.text, choice.id, self.glyphs)

    def window(self, size: int) -> range:
        """As many positions as there is room for, around the chosen one."""
        size = max(1, size)
        first = max(0, min(self.position - size // 2, len(self.tokens) - size))
        return range(first, min(first + size, len(self.tokens)))


def heading(title: str, fact: str = "") -> Line:
    """The title of a part, and a fact beside it."""
    return Line((Span(title, "prompt"), Span(f"  {fact}" if fact else "", "facts")))


def sentence(written: str, width: int) -> list[Line]:
    """A sentence that explains, wrapped."""
    return wrap([Span(written, "facts")], width, "  ")


def numbers(values: Iterable[float], more: bool = True, places: int = 4) -> str:
    """Some numbers of a tensor, with so many decimal places."""
    listed = ", ".join(f"{value:.{places}f}" for value in values)
    return f"[{listed}, ...]" if more else f"[{listed}]"


def size(shape: Sequence[int]) -> str:
    """A shape as PyTorch prints it."""
    return f"torch.Size({list(shape)})"


def answer_lines(view: View, answer: Answer, count: int) -> list[Line]:
    """The likeliest answers as bars, with what they were before the model was altered."""
    before = {} if view.before is None else {each.id: each.prob for each in view.before.choices}
    choices = answer.choices[:count]
    names = [view.choice(each) for each in choices]
    column = max(1, min(max(map(cell_len, names), default=1), view.width // 3))
    lines = []
    for rank, (name, each) in enumerate(zip(names, choices, strict=True), 1):
        cell = set_cell_size(clean(name), column)
        room = view.width - (22 if view.change.made else 0)
        line = bars.row(str(rank), cell, each.prob, room, view.glyphs)
        if before and view.change.made:
            was = before.get(each.id)
            less = min(before.values(), default=1.0)
            key = "was_less" if was is None else "was"
            fact = text(f"screens.inside.{key}", prob=f"{less if was is None else was:.2%}")
            line = Line((*line.spans, Span(f"  {fact}", "facts")), indent=line.indent)
        lines.append(line)
    return lines


def layer_name(layer: int) -> str:
    """The name of a layer, of which -1 stands for the embeddings."""
    return text("svg.embeddings") if layer < 0 else text("svg.layer", n=layer)


def altered(change: Change) -> str:
    """What was altered, in words."""
    parts = [text("screens.inside.head_off", layer=a, head=b) for a, b in change.heads]
    parts += [text("screens.inside.layer_off", layer=layer) for layer in change.layers]
    parts += [text("screens.inside.cut_off", position=position) for position in change.cut]
    if change.patch is not None:
        patch = change.patch
        parts.append(text("screens.inside.patched", layer=patch.layer, position=patch.position))
    return listed(parts)

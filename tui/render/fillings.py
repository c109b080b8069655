"""What a filled text's card shows besides the candidates: whole words, asked ones, joint fillings.

Each list has a heading that the cursor can be on; a digit there takes from that list.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size

from engine.messages import FillResult, JointFill, JointMethod, MaskFill, WordScore
from tui.cards.refs import WordList
from tui.render import bars
from tui.render.columns import beside
from tui.render.flow import Line, Span, wrap
from tui.strings import listed, text
from tui.terminal.sanitise import Glyphs, clean

_NARROWEST = 17
"""Cells of a column of joint fillings."""
_FIGURE = 8
"""Cells of a log-probability and the space before it."""
_ASKED = 10
"""How many of the words asked for the card shows; the inspector has all."""


def refs(result: FillResult) -> list[WordList]:
    """The headings, in the order of the card."""
    found: list[WordList] = []
    for number, mask in enumerate(result.masks):
        found += [WordList("whole", number)] if mask.whole else []
        found += [WordList("asked", number)] if mask.words else []
    return found + [WordList("joint", number) for number in range(len(result.joint))]


def ranked(words: Sequence[WordScore]) -> list[WordScore]:
    """The likeliest first; those that the vocabulary cannot spell last."""
    return sorted(words, key=lambda word: math.inf if word.logprob is None else -word.logprob)


def whole(mask: MaskFill) -> list[WordScore]:
    """As many whole words as there are candidates, and the likeliest of each number of pieces."""
    found = ranked(mask.whole)
    best = {len(word.ids): word for word in reversed(found)}
    least = len(mask.candidates)
    return [word for n, word in enumerate(found) if n < least or best[len(word.ids)] is word]


def words(shown: Sequence[WordScore], width: int, glyphs: Glyphs, indent: int) -> list[Line]:
    """Whole words, one a line: rank in the vocabulary, word, number of pieces, probability."""
    names = [clean(text("card.pieces", word=word.text, n=len(word.ids))) for word in shown]
    column = bars.column(names, width // 2, glyphs)
    ranks = max((len(str(word.rank)) for word in shown if word.rank is not None), default=1)
    lines = []
    for name, word in zip(names, shown, strict=True):
        if word.logprob is None:
            message = text("card.unspelt", word=clean(word.text))
            lines.append(Line((Span(" " * (indent + ranks + 1)), Span(message, "facts"))))
            continue
        cut = set_cell_size(name, column)
        rank, prob = f"{word.rank:>{ranks}}", math.exp(word.logprob)
        lines.append(bars.row(rank, cut, prob, width, glyphs, indent=indent))
    return lines


def vocabulary_beside(
    candidates: list[Line], mask: MaskFill, number: int, width: int, glyphs: Glyphs
) -> list[Line]:
    """The vocabulary's own ranking, and whole words of several lengths next to it."""
    half = width // 2
    vocabulary = _heading(text("card.vocabulary"), None, 2)
    heading = _heading(text("card.whole"), WordList("whole", number), 1)
    found = words(whole(mask), width - half, glyphs, 0)
    return beside([[vocabulary, *candidates], [heading, *found]], half)


def asked(mask: MaskFill, number: int, width: int, glyphs: Glyphs) -> list[Line]:
    """The words that were asked for by name."""
    lines = [_heading(text("card.asked_words"), WordList("asked", number), 2)]
    lines += words(ranked(mask.words)[:_ASKED], width, glyphs, 2)
    if len(mask.words) > _ASKED:
        more = text("card.more_words", n=len(mask.words) - _ASKED)
        lines.append(Line((Span(f"  {more}", "facts"),)))
    return lines


def logprob(method: JointMethod, filling: JointFill, digits: int) -> str:
    """The log-probability of a filling, in nats; a dash where only its log-ratio was stored."""
    if method == "hcb" and filling.ratio is None:
        return "–"
    return f"{filling.logprob:.{digits}f}"


def joint(result: FillResult, width: int, glyphs: Glyphs) -> list[Line]:
    """The fillings of all masks together, a column a method, marked where methods agree."""
    room = width - 2
    across = max(1, min(len(result.joint), room // _NARROWEST))
    cell = room // across
    columns = [
        [_title(result, number, cell), *_column(result, number, cell, glyphs)]
        for number in range(len(result.joint))
    ]
    lines = [Line((Span(f"  {text('card.joint')}", "label"),), indent=2)]
    for first in range(0, len(columns), across):
        row = beside([[], *columns[first : first + across]], cell)
        # The indent is a column of its own, which is only two cells wide.
        lines += [Line((Span("  "), *line.spans[1:]), indent=2) for line in row]
    if len(result.joint) > 1:
        lines += wrap([Span(_agreement(result, glyphs), "facts")], width, "  ")
    return lines


def _title(result: FillResult, number: int, width: int) -> Line:
    name = text(f"joint.{result.joint[number].method}.name")
    cut = set_cell_size(name, width - 1).rstrip()
    return Line((Span(cut, "label", WordList("joint", number)),))


def _column(result: FillResult, number: int, width: int, glyphs: Glyphs) -> list[Line]:
    """The fillings of one method; a long one takes several lines."""
    lines: list[Line] = []
    fills = result.joint[number]
    for filling in fills.fillings:
        listed = sum(filling.ids in map(_ids, other.fillings) for other in result.joint)
        mark = " "
        if listed > 1:
            mark = glyphs.on if listed == len(result.joint) else glyphs.off
        style = "chip" if mark == glyphs.on else ""
        said = clean(" ".join(filling.words))
        parts = wrap([Span(said, style)], width - len(mark) - 2 - _FIGURE)
        for row, part in enumerate(parts):
            head = Span(f"{mark} " if row == 0 else "  ", style)
            figure = logprob(fills.method, filling, 2).rjust(_FIGURE) if row == 0 else ""
            pad = width - 1 - cell_len(head.text) - cell_len(part.text.rstrip()) - len(figure)
            body = Span(part.text.rstrip(), style)
            lines.append(Line((head, body, Span(" " * max(0, pad) + figure))))
    return lines


def _ids(filling: JointFill) -> list[int]:
    return filling.ids


def _agreement(result: FillResult, glyphs: Glyphs) -> str:
    """What the marks mean, and the masks whose first word is the same in all columns."""
    firsts = [each.fillings[0].words for each in result.joint if each.fillings]
    same = [
        text("card.joint_word", n=number, word=clean(words[0]))
        for number, words in enumerate(zip(*firsts, strict=False), 1)
        if len(set(words)) == 1
    ]
    agreement = text("card.joint_agree", words=listed(same)) if same else text("card.joint_differ")
    return text("card.joint_marks", all=glyphs.on, some=glyphs.off) + glyphs.dot + agreement


def _heading(name: str, ref: WordList | None, indent: int) -> Line:
    return Line((Span(" " * indent), Span(name, "label", ref)), indent=indent)

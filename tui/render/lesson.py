"""A stop of the lesson as lines: its text, its question or the answer to it, and its numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from rich.cells import cell_len

from engine.messages import (
    Answer,
    AttentionRows,
    Continue,
    HeadsOfLayer,
    LookInside,
    Piece,
    Request,
    ShowTensors,
    Tensor,
    Token,
    Tokenize,
    Tokens,
)
from tui.analysis.heat import bits
from tui.lesson.network import INPUTS, TARGETS, Network
from tui.lesson.stops import Stop, StopId
from tui.render import bars
from tui.render.flow import Line, Span, wrap
from tui.render.inside import attention, numbers
from tui.render.inside.view import View, answer_lines, heading, layer_name, sentence, size
from tui.render.inside.view import numbers as listed
from tui.render.lesson_answers import SHOWN, Found, answer, last_state
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.sanitise import token as shown
from tui.terminal.units import percent


def lines(
    stop: Stop,
    found: Found,
    answered: Found | None,
    network: Network,
    keys: Mapping[str, str],
    view: View,
    coming: bool,
) -> list[Line]:
    """A stop with its question and numbers, or once it was `answered` with those of the answer.

    `coming` says whether more of the numbers are on their way.
    """
    drawn = wrap([Span(text(f"lesson.{stop.id}.text", **keys))], view.width)
    drawn.append(Line())
    if answered is None:
        part, written = "question", []
    else:
        part, written = "answer", [answer(stop.id, found, answered, view)]
    written.append(text(f"lesson.{stop.id}.{part}", **keys))
    label = Span(text(f"screens.lesson.{part}") + " ", "label")
    drawn += wrap([label, Span("\n".join(each for each in written if each))], view.width)
    drawn.append(Line())
    if stop.id == "network":
        return drawn + _learning(network, view)
    return drawn + _shown(stop, found if answered is None else answered, view, coming)


def python(block: str, width: int) -> list[Line]:
    """The lines of Python, each begun where it begins."""
    return [line for each in block.split("\n") for line in wrap([Span(clean(each))], width)]


def _shown(stop: Stop, found: Found, view: View, coming: bool) -> list[Line]:
    waiting = sentence(text("screens.lesson.working"), view.width) if coming else []
    # What a head does can be asked only when the text was read.
    drawn = [] if found else list(waiting)
    for request, events in found:
        view.events = list(events)
        if view.opened is not None:
            view.position = view.opened.position
        drawn += wrap([Span(_read(request), "prompt")], view.width)
        drawn += _NUMBERS[stop.id](request, view) or waiting
    return drawn


def _read(request: Request) -> str:
    match request:
        case Tokenize():
            words = [request.text]
        case Continue():
            words = [str(request.prompt)]
        case _:
            assert isinstance(request, LookInside)
            words = [str(request.text), *([request.second] if request.second else [])]
    assert isinstance(request, Tokenize | Continue | LookInside)
    return f"{request.model}  {clean(' / '.join(words))}"


def _answers(request: Request, view: View) -> list[Line]:
    given = next(iter(view.of(Answer)), None)
    return [] if given is None else answer_lines(view, given, 5)


def _tokens(request: Request, view: View) -> list[Line]:
    found = next(iter(view.of(Tokens)), None)
    return [] if found is None else _pieces(found.tokens, view)


def _pieces(tokens: Sequence[Piece], view: View) -> list[Line]:
    pieces = str([view.name(piece) for piece in tokens])
    ids = ", ".join(str(piece.id) for piece in tokens)
    drawn = wrap([Span(pieces)], view.width, "    ")
    drawn += wrap([Span(f"input_ids: tensor([[{ids}]])")], view.width, "    ")
    return [*drawn, *wrap([Span(size([1, len(tokens)]), "facts")], view.width, "    ")]


def _sum(request: Request, view: View) -> list[Line]:
    """A token's row of each table, and their sum."""
    opened = view.opened
    rows = [each for each in view.of(Tensor) if each.stage == "embedding"]
    if opened is None or not rows:
        return []
    assert isinstance(request, ShowTensors)
    at = opened.position if request.position is None else request.position
    token = view.brief(view.tokens[at])
    drawn = sentence(text("screens.lesson.at", position=at, token=token), view.width)
    for each in rows:
        sign = "=" if each.name.startswith("hidden_states") else " " if each is rows[0] else "+"
        row = f"{sign} {each.name} {each.shape}: "
        drawn += wrap([Span(f"{row:<34}{listed(each.values[:SHOWN])}")], view.width, "    ", "  ")
    return drawn


def _sides(request: Request, view: View) -> list[Line]:
    """The first token's vector behind the last layer."""
    opened = view.opened
    name = "" if opened is None else f"hidden_states[{opened.layers}]"
    if opened is None or all(each.name != name for each in view.of(Tensor)):
        return []
    state = listed(last_state([(request, view.events)]))
    token = view.brief(opened.tokens[0])
    return wrap([Span(f"{token}  {name}  {state}")], view.width, "    ")


def _sums(request: Request, view: View) -> list[Line]:
    return numbers.lines(view)


def _heads(request: Request, view: View) -> list[Line]:
    """Each head's pattern and entropy, layer by layer."""
    drawn: list[Line] = []
    for layer in view.of(HeadsOfLayer):
        cells = [f"{attention.pattern(head)}, {bits(head.entropy):.2f}" for head in layer.heads]
        drawn += _unbroken(cells, "  |  ", view.width, f"  {layer_name(layer.layer)}  ")
    return drawn


def _unbroken(cells: Sequence[str], gap: str, width: int, label: str) -> list[Line]:
    """Cells side by side behind a label, in as many lines as they need, none of them broken."""
    rows: list[list[str]] = []
    room = width - cell_len(label)
    for cell in cells:
        if rows and cell_len(gap.join([*rows[-1], cell])) <= room:
            rows[-1].append(cell)
        else:
            rows.append([cell])
    labels = [label, *[" " * cell_len(label)] * len(rows)]
    return [
        Line((Span(name, "facts"), Span(gap.join(row))))
        for name, row in zip(labels, rows, strict=False)
    ]


def _map(request: Request, view: View) -> list[Line]:
    rows = view.of(AttentionRows)
    if view.opened is None or not rows:
        return []
    weights = [row for some in rows for row in some.weights]
    return attention.map_lines(view, weights, 0, 0, view.width)


def _text(request: Request, view: View) -> list[Line]:
    """What was added, then the probability of each token."""
    tokens = view.of(Token)
    written = "".join(token.text for token in tokens)
    drawn = wrap([Span(clean(written), "chosen")], view.width, "    ")
    cells = []
    for token in tokens:
        name = shown(token.text or token.piece, token.id, view.glyphs)
        cells.append(f"{name} {percent(math.exp(token.logprob)).strip()}")
    return [*drawn, *_unbroken(cells, "  ", view.width, "    ")] if tokens else []


def _pair(request: Request, view: View) -> list[Line]:
    given = next(iter(view.of(Answer)), None)
    if given is None:
        return []
    segments = ", ".join(str(piece.segment) for piece in view.tokens)
    ordered = sorted(given.choices, key=lambda choice: choice.id)
    logits = ", ".join(f"{choice.logit:.4f}" for choice in ordered)
    drawn = wrap([Span(str([view.name(piece) for piece in view.tokens]))], view.width, "    ")
    drawn += wrap([Span(f"token_type_ids: tensor([[{segments}]])")], view.width, "    ")
    drawn += wrap([Span(f"logits: tensor([[{logits}]])")], view.width, "    ")
    return [*drawn, *answer_lines(view, given, 2)]


def _learning(network: Network, view: View) -> list[Line]:
    """The weights, what the network predicts, and how the loss fell."""
    own, glyphs = network.weights, view.glyphs
    function = "tanh" if network.bent else ""
    drawn = [
        Line((Span(f"    h{n} = {function}({row[0]:+.3f} a {row[1]:+.3f} b {bias:+.3f})"),))
        for n, (row, bias) in enumerate(zip(own.hidden, own.hidden_bias, strict=True), 1)
    ]
    one, other = own.output
    drawn.append(
        Line((Span(f"    y  = sigmoid({one:+.3f} h1 {other:+.3f} h2 {own.output_bias:+.3f})"),))
    )
    drawn.append(heading(text("screens.lesson.examples")))
    width = min(view.width, 60)
    for inputs, target in zip(INPUTS, TARGETS, strict=True):
        name = f"{inputs[0]:.0f} {inputs[1]:.0f}"
        drawn.append(bars.row(name, f"{target:.0f}", network.output(inputs), width, glyphs))
    loss = text("screens.lesson.loss", steps=network.steps, loss=f"{network.loss:.6f}")
    return [*drawn, heading(loss, _curve(network, glyphs))]


def _curve(network: Network, glyphs: Glyphs) -> str:
    """The loss over the steps so far, in as many cells as there were twenties of them."""
    every = [*network.losses[::20], network.loss][-40:]
    highest = max(every)
    steps = glyphs.shades
    return "".join(steps[round(loss / highest * (len(steps) - 1))] for loss in every)


_NUMBERS: Mapping[StopId, Callable[[Request, View], list[Line]]] = {
    "model": _answers,
    "tokens": _tokens,
    "embedding": _sum,
    "numbers": _sums,
    "heads": _heads,
    "mask": _map,
    "sides": _sides,
    "continue": _text,
    "fill": _answers,
    "pair": _pair,
}

"""A stop of the lesson as lines: its text, its numbers, its question, or its Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from engine.messages import (
    Answer,
    AttentionRows,
    Continue,
    Event,
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
from tui.strings import text
from tui.terminal.sanitise import Glyphs, clean
from tui.terminal.units import percent

Found = Sequence[tuple[Request, Sequence[Event]]]
"""Each request of a stop, with what was answered so far."""


def lines(
    stop: Stop, found: Found, network: Network, asked: bool, keys: Mapping[str, str], view: View
) -> list[Line]:
    """A stop: its text, its question or what to see in the answer, and the numbers of either."""
    drawn = wrap([Span(text(f"lesson.{stop.id}.text", **keys))], view.width)
    drawn.append(Line())
    part = "answer" if asked else "question"
    label = Span(text(f"screens.lesson.{part}") + " ", "label")
    drawn += wrap([label, Span(text(f"lesson.{stop.id}.{part}", **keys))], view.width)
    drawn.append(Line())
    return drawn + (_learning(network, view) if stop.id == "network" else _shown(stop, found, view))


def python(block: str, width: int) -> list[Line]:
    """The lines of Python, each begun where it begins."""
    return [line for each in block.split("\n") for line in wrap([Span(clean(each))], width)]


def _shown(stop: Stop, found: Found, view: View) -> list[Line]:
    drawn: list[Line] = []
    for request, events in found:
        view.events = list(events)
        if view.opened is not None:
            view.position = view.opened.position
        # Several are told apart by what is read; one alone is named on the line above.
        drawn += [heading(_read(request))] if len(found) > 1 or stop.id in _NAMED else []
        drawn += _NUMBERS[stop.id](request, view) or sentence(
            text("screens.lesson.working"), view.width
        )
    return drawn


_NAMED = frozenset({"model", "tokens", "heads", "mask", "continue", "fill", "pair"})


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
    answer = next(iter(view.of(Answer)), None)
    return [] if answer is None else answer_lines(view, answer, 5)


def _tokens(request: Request, view: View) -> list[Line]:
    found = next(iter(view.of(Tokens)), None)
    return [] if found is None else _pieces(found.tokens, view)


def _pieces(tokens: Sequence[Piece], view: View) -> list[Line]:
    pieces = str([view.name(piece) for piece in tokens])
    ids = ", ".join(str(piece.id) for piece in tokens)
    drawn = wrap([Span(pieces)], view.width, "    ")
    drawn += wrap([Span(f"input_ids: tensor([[{ids}]])")], view.width, "    ")
    return [*drawn, *wrap([Span(size([1, len(tokens)]), "facts")], view.width, "    ")]


def _tensors(*stages: str) -> Callable[[Request, View], list[Line]]:
    def drawn(request: Request, view: View) -> list[Line]:
        found: list[Line] = []
        opened = view.opened
        if opened is None:
            return found
        assert isinstance(request, ShowTensors)
        at = opened.position if request.position is None else request.position
        if "embedding" in stages:
            token = view.brief(view.tokens[min(at, len(view.tokens) - 1)])
            found += sentence(text("screens.lesson.at", position=at, token=token), view.width)
        for each in view.of(Tensor):
            if each.stage in stages and each.name.startswith(_PARTS):
                named = f"{each.name}: {size(each.shape)}"
                values = f"  {listed(each.values[:4])}" if each.values else ""
                found += wrap([Span(named), Span(values, "facts")], view.width, "    ")
        return found

    return drawn


_PARTS = ("wte", "wpe", "hidden_states")


def _sides(request: Request, view: View) -> list[Line]:
    """The first token's vector behind the last layer."""
    states = [each for each in view.of(Tensor) if each.name.startswith("hidden_states")]
    if view.opened is None or len(states) <= view.opened.layers:
        return []
    last = states[-1]
    name = view.brief(view.tokens[0])
    return wrap([Span(f"{name}  {last.name}  {listed(last.values[:4])}")], view.width, "    ")


def _sums(request: Request, view: View) -> list[Line]:
    return numbers.lines(view)


def _heads(request: Request, view: View) -> list[Line]:
    """Each head's pattern and entropy, a layer in a line."""
    drawn: list[Line] = []
    for layer in view.of(HeadsOfLayer):
        cells = [f"{attention.pattern(head)}, {bits(head.entropy):.2f}" for head in layer.heads]
        name = Span(f"{layer_name(layer.layer)}  ", "facts")
        drawn += wrap([name, Span("  |  ".join(cells))], view.width, "    ", "    ")
    return drawn


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
    each = [f"{clean(token.text)} {percent(math.exp(token.logprob)).strip()}" for token in tokens]
    return [*drawn, *wrap([Span("  ".join(each), "facts")], view.width, "    ")]


def _pair(request: Request, view: View) -> list[Line]:
    answer = next(iter(view.of(Answer)), None)
    if answer is None:
        return []
    segments = ", ".join(str(piece.segment) for piece in view.tokens)
    ordered = sorted(answer.choices, key=lambda choice: choice.id)
    logits = ", ".join(f"{choice.logit:.4f}" for choice in ordered)
    drawn = wrap([Span(str([view.name(piece) for piece in view.tokens]))], view.width, "    ")
    drawn += wrap([Span(f"token_type_ids: tensor([[{segments}]])")], view.width, "    ")
    drawn += wrap([Span(f"logits: tensor([[{logits}]])")], view.width, "    ")
    return [*drawn, *answer_lines(view, answer, 2)]


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
    "embedding": _tensors("embedding"),
    "numbers": _sums,
    "heads": _heads,
    "mask": _map,
    "sides": _sides,
    "continue": _text,
    "fill": _answers,
    "pair": _pair,
}

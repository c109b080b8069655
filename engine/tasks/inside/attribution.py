"""How much each layer and each head adds to one word rather than another.

Direct logit attribution (Elhage et al. 2021): what reaches the output layer is a sum of what the
embeddings and every part of every layer added, and the last norm is linear once its scale is held
fixed. In models that put a norm after each part (BERT), nothing adds up like that: the lens and
switching heads off answer instead.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec

from engine.errors import refusal
from engine.messages import Attribution, Choice, Progress, ShowAttribution
from engine.tasks.inside.aside import Post
from engine.tasks.inside.lens import check_lens, layer_logits, one_piece
from engine.tasks.inside.subject import Subject

if TYPE_CHECKING:
    import torch

_TOLERANCE = 1e-3


def show(subject: Subject, request: ShowAttribution, post: Post) -> None:
    """Post the `Attribution`, after `Progress` where heads are switched off one by one.

    Raises:
        EngineError: ``bad_request`` for a position that is not there, or a word that is not one
            piece; ``unable``, where the figures cannot be vouched for.
    """
    from engine.runtime.inside.attending import Watch

    position = subject.at(request.position)
    names = subject.inside.names
    direct = subject.asks != "pair" and names is not None and names.adds
    parts = _Parts(position)
    watch = Watch(stream=parts.stream)
    if direct:
        watch.joined, watch.mlp = parts.joined, parts.mlp
    outputs = subject.run(watch, position)
    post(None)
    logits = subject.logits(outputs)
    a, b = _pair(subject, request, logits)
    if direct:
        post(_direct(subject, parts, position, a, b, logits))
    else:
        post(_by_lens(subject, request, parts, position, a, b, logits, post))


class _Parts:
    """What one pass leaves at a position."""

    def __init__(self, position: int) -> None:
        self._position = position
        self.streams: list[torch.Tensor] = []
        self.heads: list[torch.Tensor] = []
        self.mlps: list[torch.Tensor] = []

    def stream(self, index: int, states: torch.Tensor) -> None:
        self.streams.append(states[self._position].clone())

    def joined(self, layer: int, outputs: torch.Tensor) -> None:
        self.heads.append(outputs[self._position].clone())

    def mlp(self, layer: int, added: torch.Tensor) -> None:
        self.mlps.append(added[self._position].clone())


def _pair(
    subject: Subject, request: ShowAttribution, logits: torch.Tensor
) -> tuple[Choice, Choice]:
    """The two words that are compared."""
    probs = logits.softmax(-1)

    def choice(number: int) -> Choice:
        return subject.choice(number, float(logits[number]), float(probs[number]))

    if subject.asks == "pair":
        return choice(0), choice(1)
    asked = [None if word is None else _word(subject, word) for word in (request.a, request.b)]
    best = [number for number in logits.topk(3).indices.tolist() if number not in asked]
    first = best.pop(0) if asked[0] is None else asked[0]
    second = best.pop(0) if asked[1] is None else asked[1]
    return choice(first), choice(second)


def _word(subject: Subject, word: str) -> int:
    found = one_piece(subject, word)
    if found is None:
        raise refusal("bad_request", "not_one_piece", word=word, model=subject.model.files.id)
    return found


def _direct(
    subject: Subject, parts: _Parts, position: int, a: Choice, b: Choice, logits: torch.Tensor
) -> Attribution:
    import torch

    inside = subject.inside
    with torch.inference_mode():
        part, constant = _linear(subject, parts.streams[-1], a.id, b.id)
        streams = torch.stack(parts.streams)
        layers = part(streams[1:] - streams[:-1])
        heads, biases = [], []
        for number, joined in enumerate(parts.heads):
            alone = torch.zeros(inside.heads + 1, len(joined))
            size = len(joined) // inside.heads
            for head in range(inside.heads):
                own = slice(head * size, (head + 1) * size)
                alone[head, own] = joined[own]
            projected = inside.project(number, alone)
            heads.append(part(projected[:-1] - projected[-1]))
            biases.append(part(projected[-1:])[0])
        mlp = part(torch.stack(parts.mlps))
        for number in subject.request.change.layers:
            heads[number], mlp[number] = heads[number] * 0, mlp[number] * 0
            biases[number] = biases[number] * 0
        embedding = float(part(streams[:1])[0])
    difference = float(logits[a.id] - logits[b.id])
    rest = [
        float(layer - own.sum() - added - bias)
        for layer, own, added, bias in zip(layers, heads, mlp, biases, strict=True)
    ]
    patch = subject.request.change.patch
    if patch is not None and patch.position == position:
        rest[patch.layer] = 0.0  # what is put in place there was added by no part
    total = embedding + constant + float(layers.sum())
    scale = max(1.0, float(logits.abs().max()))
    if max(map(abs, [*rest, total - difference])) > _TOLERANCE * scale:
        raise refusal("unable", "parts_differ", model=subject.model.files.id)
    return Attribution(
        method="direct",
        position=position,
        a=a,
        b=b,
        difference=difference,
        embedding=embedding,
        constant=constant,
        layers=layers.tolist(),
        heads=[each.tolist() for each in heads],
        mlp=mlp.tolist(),
        bias=[float(bias) for bias in biases],
    )


def _linear(
    subject: Subject, last: torch.Tensor, a: int, b: int
) -> tuple[Callable[[torch.Tensor], torch.Tensor], float]:
    """What parts [..., width] of the last state add to a - b, and what biases add."""
    import torch

    norm, head = subject.inside.final_norm, subject.inside.output_layer
    assert isinstance(norm, torch.nn.Module)
    assert isinstance(head.weight, torch.Tensor)
    gain, shift = norm.weight, getattr(norm, "bias", None)
    assert isinstance(gain, torch.Tensor)
    direction = head.weight[a] - head.weight[b]
    constant = 0.0 if shift is None else float(shift @ direction)
    if isinstance(head.bias, torch.Tensor):
        constant += float(head.bias[a] - head.bias[b])
    centred = isinstance(norm, torch.nn.LayerNorm)
    epsilon = float(getattr(norm, "eps" if centred else "variance_epsilon", 0.0))
    middle = last - last.mean() if centred else last
    scale = (middle.pow(2).mean() + epsilon).rsqrt()

    def part(states: torch.Tensor) -> torch.Tensor:
        states = states - states.mean(-1, keepdim=True) if centred else states
        found: torch.Tensor = states * scale * gain @ direction
        return found

    return part, constant


def _by_lens(
    subject: Subject,
    request: ShowAttribution,
    parts: _Parts,
    position: int,
    a: Choice,
    b: Choice,
    logits: torch.Tensor,
    post: Post,
) -> Attribution:
    """Layers by how far the lens moves, heads by what is lost without each."""
    from engine.runtime.inside.attending import Watch

    streams = layer_logits(subject, parts.streams)
    check_lens(subject, streams[-1], logits)
    steps = [float(each[a.id] - each[b.id]) for each in streams]
    difference = float(logits[a.id] - logits[b.id])
    inside, change = subject.inside, request.change
    heads: list[list[float]] = []
    for layer in range(inside.layers):
        row = []
        for head in range(inside.heads):
            off = msgspec.structs.replace(change, heads=[*change.heads, (layer, head)])
            without = replace(subject, request=msgspec.structs.replace(request, change=off))
            answer = subject.logits(without.run(Watch(), position))
            row.append(difference - float(answer[a.id] - answer[b.id]))
            post(None)
        heads.append(row)
        post(Progress(done=layer + 1, total=inside.layers))
    return Attribution(
        method="lens",
        position=position,
        a=a,
        b=b,
        difference=difference,
        embedding=steps[0],
        layers=[after - before for before, after in pairwise(steps)],
        heads=heads,
    )

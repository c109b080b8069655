"""The tensors of one pass, in the order they are computed, and the answer at its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from engine.messages import Answer, ShowTensors, Tensor
from engine.tasks.inside.aside import Post
from engine.tasks.inside.subject import Subject

if TYPE_CHECKING:
    import torch

_SHOWN = 8
"""Numbers shown of a tensor."""

Stage = Literal["input", "embedding", "layer", "output"]


def show(subject: Subject, request: ShowTensors, post: Post) -> None:
    """Post each `Tensor`, and the `Answer`.

    Raises:
        EngineError: see `InsideModel.run` and `Subject.logits`.
    """
    from engine.runtime.inside.attending import Watch

    inside, position = subject.inside, subject.at(request.position)
    count, shapes = len(subject.pieces), inside.names is not None
    for name, values in inside.inputs(subject.pieces).items():
        numbers = [float(number) for number in values[0, :_SHOWN]]
        post(Tensor(name=name, stage="input", shape=list(values.shape), values=numbers))

    def shown(
        name: str, stage: Stage, row: torch.Tensor, shape: list[int], layer: int | None = None
    ) -> None:
        numbers = row.flatten()[:_SHOWN].tolist()
        post(Tensor(name=name, stage=stage, shape=shape, layer=layer, values=numbers))

    def table(name: str, shape: list[int], rows: torch.Tensor) -> None:
        rows = rows.reshape(-1, shape[1])
        # A table of distances between positions is read for each pair of them.
        found = rows[position, :_SHOWN].tolist() if len(rows) == count else []
        post(Tensor(name=name, stage="embedding", shape=shape, values=found))

    def stream(index: int, states: torch.Tensor) -> None:
        row = states[position]
        norm = inside.final_norm
        if index == inside.layers and norm is not None:
            row = norm(row)  # as transformers returns the last of them
        stage: Stage = "layer" if index else "embedding"
        layer = index - 1 if index else None
        shown(f"hidden_states[{index}]", stage, row, [1, *states.shape], layer)

    def weights(layer: int, first: int, some: torch.Tensor) -> None:
        if first <= position < first + some.shape[1]:
            shape = [1, some.shape[0], count, some.shape[2]]
            row = some[0, position - first]
            shown(f"attentions[{layer}]", "layer", row, shape, layer)
        post(None)

    watch = Watch(stream=stream if shapes else None, weights=weights, table=table)
    outputs = subject.run(watch, position)
    if outputs.words is not None:
        shape = [1, count, len(outputs.words)]
        shown("logits", "output", outputs.words, shape)
    if outputs.pair is not None:
        name = "seq_relationship_logits" if outputs.words is not None else "logits"
        shown(name, "output", outputs.pair, [1, 2])
    post(answer(subject, subject.logits(outputs), position, request.top))


def answer(subject: Subject, logits: torch.Tensor, position: int, top: int) -> Answer:
    """The likeliest of some logits, [choices]."""
    probs = logits.softmax(-1)
    best = probs.topk(min(top, len(probs)))
    choices = [
        subject.choice(number, float(logits[number]), prob)
        for number, prob in zip(best.indices.tolist(), best.values.tolist(), strict=True)
    ]
    return Answer(position=position, asks=subject.asks, choices=choices)

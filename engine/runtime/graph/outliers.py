"""The channels of normalised states whose values are far larger than the others'.

Values that are rounded together share the steps that the largest of them needs. In a trained model
a few channels are so large, in every text, that the others of their group lose most of their
accuracy, and the rounding of their own weights counts for more than that of all others (Dettmers et
al., "LLM.int8()", 2022, call them outlier features). `matrices` leaves both as they are.

Which channels they are hardly depends on the text: random tokens find them as well as sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch

from engine.runtime.packed.decoder import PackedRuntime, Step
from engine.runtime.packed.families import Shape
from engine.runtime.packed.loading import Place, without_head
from engine.runtime.packed.weights import LayerWeights, Weights

OUTLIERS = 4
"""Channels that are taken out of each normalised state."""
_TOKENS = 128
_SEED = 1


def survey(
    weights: Weights,
    shape: Shape,
    layers: Iterable[LayerWeights],
    passed: Callable[[LayerWeights, torch.Tensor, torch.Tensor], None],
) -> torch.Tensor:
    """Let random tokens go through the layers; returns the outliers before the output layer.

    `passed` is called after each layer with those before attention and before the feed-forward, so
    that there need be only one layer in memory. All are int64 [outliers], ascending.

    Raises:
        EngineError: ``broken_model``, if the last states are NaN or infinite.
    """
    found: list[torch.Tensor] = []

    def watched(step: Step) -> Step:
        def run(x: torch.Tensor) -> torch.Tensor:
            states = step(x)
            largest = states.square().mean(0).topk(min(OUTLIERS, shape.width)).indices
            found.append(largest.sort().values)
            return states

        return run

    def read() -> Iterator[LayerWeights]:
        for layer in layers:
            yield layer
            passed(layer, *found[-2:])

    model = without_head(weights, shape, Place(torch.float32, "cpu"), read())
    model = replace(
        model,
        layers=(
            replace(
                layer,
                before_attention=watched(layer.before_attention),
                before_mlp=watched(layer.before_mlp),
            )
            for layer in model.layers
        ),
        last_norm=watched(model.last_norm),
    )
    generator = torch.Generator().manual_seed(_SEED)
    tokens = min(_TOKENS, shape.context)
    ids = torch.randint(shape.vocabulary, (tokens,), generator=generator)
    PackedRuntime(model, "cpu").states([ids.tolist()])
    return found[-1]

"""From a model's folder to a packed decoder."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import torch
import torch.nn.functional as F

from engine.interfaces import LoadReport, ModelFiles
from engine.messages import Device, Precision
from engine.runtime.loading import broken, readable
from engine.runtime.packed.decoder import Layer, Model, PackedRuntime, Step
from engine.runtime.packed.families import Shape
from engine.runtime.packed.linear import DTYPES, Linear
from engine.runtime.packed.shapes import shape
from engine.runtime.packed.weights import LayerWeights, Matrix, Norm, Weights


def load_packed(
    files: ModelFiles, precision: Precision, report: LoadReport, device: Device = "cpu"
) -> PackedRuntime | None:
    """Load a model in exact or bf16; None if its configuration is not supported.

    Raises:
        EngineError: ``broken_model``, if the files do not match the configuration.
    """
    with readable(lambda reason: broken(files, reason)):
        found = shape(files)
        if found is None:
            return None
        with Weights(files.folder, found) as weights, torch.inference_mode():
            place = Place(DTYPES[precision], device)
            model = _model(weights, found, place, report)
            weights.complete()
            return PackedRuntime(model, device)


class Place:
    """The dtype and the device that weights are brought to."""

    def __init__(self, dtype: torch.dtype, device: Device) -> None:
        self.dtype = dtype
        self._device = device

    def tensor(self, tensor: torch.Tensor) -> torch.Tensor:
        """A tensor, brought there."""
        return tensor.to(self._device, self.dtype)

    def linear(self, matrix: Matrix) -> Linear:
        """A matrix that multiplies there."""
        bias = None if matrix.bias is None else self.tensor(matrix.bias)
        return Linear(self.tensor(matrix.weight), bias)


def _model(weights: Weights, shape: Shape, place: Place, report: LoadReport) -> Model:
    headless = without_head(weights, shape, place, weights.layers(report))
    layers = list(headless.layers)
    head = weights.head()
    matrix = Linear(headless.embedding, None) if head is None else place.linear(Matrix(head))
    return replace(headless, layers=layers, head=matrix)


def without_head(
    weights: Weights, shape: Shape, place: Place, layers: Iterable[LayerWeights]
) -> Model:
    """A model that returns states; its layers are read while it computes."""
    positions = weights.positions()
    return Model(
        shape=shape,
        dtype=place.dtype,
        embedding=place.tensor(weights.embedding()),
        positions=None if positions is None else place.tensor(positions),
        layers=(_layer(layer, shape, place) for layer in layers),
        last_norm=_norm(weights.last_norm(), shape, place),
        head=None,
    )


def _layer(layer: LayerWeights, shape: Shape, place: Place) -> Layer:
    gain = None
    if layer.head_norms is not None:
        queries, keys = map(place.tensor, layer.head_norms)
        gain = torch.cat([queries.expand(shape.heads, -1), keys.expand(shape.kv_heads, -1)])
    return Layer(
        before_attention=_norm(layer.before_attention, shape, place),
        qkv=place.linear(layer.qkv),
        head_gain=gain,
        out=place.linear(layer.out),
        after_attention=_optional(layer.after_attention, shape, place),
        before_mlp=_norm(layer.before_mlp, shape, place),
        up=place.linear(layer.up),
        down=place.linear(layer.down),
        after_mlp=_optional(layer.after_mlp, shape, place),
    )


def _optional(norm: Norm | None, shape: Shape, place: Place) -> Step:
    return (lambda x: x) if norm is None else _norm(norm, shape, place)


def _norm(norm: Norm, shape: Shape, place: Place) -> Step:
    """A normalisation: LayerNorm if it has an offset, else RMSNorm."""
    weight = place.tensor(norm.weight)
    if norm.bias is not None:
        bias = place.tensor(norm.bias)
        return lambda x: F.layer_norm(x, weight.shape, weight, bias, shape.eps)
    # Values concatenated with their negatives have mean zero, so LayerNorm of them is RMSNorm: one
    # fast kernel, where `F.rms_norm` takes a dozen operations on a CPU.
    twice = torch.cat([weight, weight])
    width = len(weight)
    return lambda x: F.layer_norm(torch.cat([x, -x], -1), twice.shape, twice, None, shape.eps)[
        :, :width
    ]

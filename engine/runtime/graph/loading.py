"""From a model's folder to a graph that runs."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from engine.interfaces import LoadReport, ModelFiles
from engine.messages import Precision
from engine.runtime.graph import matrices, stored
from engine.runtime.graph.decoder import GraphRuntime
from engine.runtime.graph.matrices import Tensors
from engine.runtime.graph.outliers import survey
from engine.runtime.graph.stored import Parts
from engine.runtime.loading import broken, readable
from engine.runtime.packed.families import Shape
from engine.runtime.packed.shapes import shape
from engine.runtime.packed.weights import LayerWeights, Matrix, Norm, Weights
from engine.runtime.soundness import unsound
from engine.store import distances

_BITS: Mapping[Precision, int] = {"int8": 8, "int4": 4}


def load_graph(files: ModelFiles, precision: Precision, report: LoadReport) -> GraphRuntime | None:
    """Load a model in int8 or int4; None if its configuration is not supported.

    Its parts are kept in the store (`ModelFiles.derived`) and read from there next time.

    Raises:
        EngineError: ``broken_model``, if the files do not match the configuration.
    """
    with readable(lambda reason: broken(files, reason)):
        found = shape(files)
        if found is None:
            return None
        parts = stored.read(files, precision)
        if parts is None:
            made = _quantised(files, found, _BITS[precision], report)
            stored.write(files, precision, made, _components(found))
            parts = stored.read(files, precision) or made  # mapped, so that pages can be dropped
        floats = distances.float_inputs(files.derived, precision)
        return GraphRuntime(parts, found, floats)


def _components(shape: Shape) -> list[str]:
    return [*(f"layer {number}" for number in range(shape.layers)), "outer"]


def _quantised(files: ModelFiles, shape: Shape, bits: int, report: LoadReport) -> Parts:
    found: dict[str, Tensors] = {}
    with Weights(files.folder, shape) as weights, torch.inference_mode():

        def passed(layer: LayerWeights, *outliers: torch.Tensor) -> None:
            found[f"layer {len(found)}"] = _finite(_layer(layer, bits, *outliers))

        last = survey(weights, shape, weights.layers(report), passed)
        found["outer"] = _finite(_outer(weights, last))
        weights.complete()
    return found.__getitem__


def _finite(parts: Tensors) -> Tensors:
    """Parts without NaN and infinity, which kernels that round could make numbers of.

    Raises:
        EngineError: ``broken_model``, if there are any.
    """
    if not all(tensor.isfinite().all() for tensor in parts.values()):
        raise unsound()
    return parts


def _layer(
    layer: LayerWeights, bits: int, before_attention: torch.Tensor, before_mlp: torch.Tensor
) -> Tensors:
    """The parts of a layer, given the outliers of its normalised states."""
    parts: Tensors = {}
    for name, norm in (
        ("before_attention", layer.before_attention),
        ("after_attention", layer.after_attention),
        ("before_mlp", layer.before_mlp),
        ("after_mlp", layer.after_mlp),
    ):
        parts |= {} if norm is None else _norm(name, norm)
    for name, matrix, outliers in (
        ("qkv", layer.qkv, before_attention),
        ("out", layer.out, None),
        ("up", layer.up, before_mlp),
        ("down", layer.down, None),
    ):
        parts |= _under(name, matrices.prepare(bits, matrix, outliers))
    if layer.head_norms is not None:
        parts["queries_gain"], parts["keys_gain"] = layer.head_norms
    return parts


def _outer(weights: Weights, outliers: torch.Tensor) -> Tensors:
    """The parts around the layers, given the outliers before the output layer.

    The tables have 8 bits in every form.

    In 4 an output layer would lose more accuracy than all other layers together.
    """
    head = weights.head()
    table = matrices.prepare(8, Matrix(weights.embedding()), outliers if head is None else None)
    parts = _under("embedding", table) | _norm("last_norm", weights.last_norm())
    if head is not None:
        parts |= _under("head", matrices.prepare(8, Matrix(head), outliers))
    if (positions := weights.positions()) is not None:
        parts["positions"] = positions
    return parts


def _norm(name: str, norm: Norm) -> Tensors:
    return _under(
        name, {"weight": norm.weight} | ({} if norm.bias is None else {"bias": norm.bias})
    )


def _under(name: str, parts: Tensors) -> Tensors:
    return {f"{name}.{part}": tensor for part, tensor in parts.items()}

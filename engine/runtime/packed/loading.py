"""From a model's folder to a packed decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from transformers import AutoConfig

from engine.interfaces import ModelFiles
from engine.messages import Device, Message, Precision
from engine.runtime.loading import Report, broken, readable
from engine.runtime.packed import embedding, linear, stored
from engine.runtime.packed.decoder import Layer, Model, PackedRuntime, Step
from engine.runtime.packed.families import Shape, shape
from engine.runtime.packed.linear import Tensors
from engine.runtime.packed.stored import Parts
from engine.runtime.packed.weights import LayerWeights, Matrix, Norm, Weights


def load_packed(
    files: ModelFiles, precision: Precision, report: Report, device: Device = "cpu"
) -> PackedRuntime | None:
    """Load a model and pack it; None if its configuration is not supported.

    Quantised forms are kept in the store (`ModelFiles.derived`) and read from there next time.

    Raises:
        EngineError: ``broken_model``, if the files do not match the configuration.
    """
    with readable(lambda reason: broken(files, reason)):
        config = AutoConfig.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
        found = shape(config)
        if found is None:
            return None
        with torch.inference_mode():
            return PackedRuntime(_model(files, found, precision, report, device), device)


def _model(
    files: ModelFiles, shape: Shape, precision: Precision, report: Report, device: Device
) -> Model:
    with stored.reading(files, precision) as kept:
        if kept is not None:
            return _build(_placed(kept, device), shape, precision, report)
    with Weights(files.folder, shape) as weights, stored.writing(files, precision) as keep:
        packed = keep(lambda name: _prepare(weights, name, precision))
        model = _build(_placed(packed, device), shape, precision, report)
        weights.complete()
        return model


def _placed(parts: Parts, device: Device) -> Parts:
    """The same parts on a device."""
    return lambda name: {part: tensor.to(device) for part, tensor in parts(name).items()}


def _prepare(weights: Weights, name: str, precision: Precision) -> Tensors:
    """The parts of a form, from the weights as they are stored."""
    if name == "outer":
        table, head, positions = weights.embedding(), weights.head(), weights.positions()
        # A 4-bit output layer would lose more accuracy than all other layers together.
        finer: Precision = "int8" if precision == "int4" else precision
        matrix = linear.prepare(finer, table if head is None else head, None)
        parts = _under("embedding", embedding.prepare(precision, table)) | _under("head", matrix)
        parts |= _norm_parts("last_norm", weights.last_norm(), precision)
        if positions is not None:
            parts["positions"] = positions.to(linear.dtype(precision))
        return parts
    return _prepare_layer(weights.layer(int(name.removeprefix("layer "))), precision)


def _prepare_layer(layer: LayerWeights, precision: Precision) -> Tensors:
    parts = _norm_parts("before_attention", layer.before_attention, precision)
    parts |= _norm_parts("before_mlp", layer.before_mlp, precision)
    matrices: dict[str, Matrix] = {
        "qkv": layer.qkv,
        "out": layer.out,
        "up": layer.up,
        "down": layer.down,
    }
    for name, matrix in matrices.items():
        parts |= _under(name, linear.prepare(precision, matrix.weight, matrix.bias))
    if layer.head_norms is not None:
        queries, keys = layer.head_norms
        parts["queries_gain"] = queries.to(linear.dtype(precision))
        parts["keys_gain"] = keys.to(linear.dtype(precision))
    return parts


def _norm_parts(name: str, norm: Norm, precision: Precision) -> Tensors:
    dtype = linear.dtype(precision)
    parts = {f"{name}.weight": norm.weight.to(dtype)}
    if norm.bias is not None:
        parts[f"{name}.bias"] = norm.bias.to(dtype)
    return parts


def _build(parts: Parts, shape: Shape, precision: Precision, report: Report) -> Model:
    layers = []
    for number in range(shape.layers):
        report(Message.of("stage.weights"), 100 * number / shape.layers)
        layers.append(_layer(parts(f"layer {number}"), shape))
    outer = parts("outer")
    return Model(
        shape=shape,
        dtype=linear.dtype(precision),
        embedding=embedding.build(_of("embedding", outer)),
        positions=outer.get("positions"),
        layers=layers,
        last_norm=_norm(_of("last_norm", outer), shape),
        head=linear.build(_of("head", outer), shape.vocabulary),
    )


def _layer(parts: Tensors, shape: Shape) -> Layer:
    gain = None
    if "queries_gain" in parts:
        queries, keys = parts["queries_gain"], parts["keys_gain"]
        gain = torch.cat([queries.expand(shape.heads, -1), keys.expand(shape.kv_heads, -1)])
    heads = shape.heads + 2 * shape.kv_heads
    hidden = shape.hidden * (2 if shape.gated else 1)
    return Layer(
        before_attention=_norm(_of("before_attention", parts), shape),
        qkv=linear.build(_of("qkv", parts), heads * shape.head_dim),
        head_gain=gain,
        out=linear.build(_of("out", parts), shape.width),
        before_mlp=_norm(_of("before_mlp", parts), shape),
        up=linear.build(_of("up", parts), hidden),
        down=linear.build(_of("down", parts), shape.width),
    )


def _norm(parts: Tensors, shape: Shape) -> Step:
    """A normalisation: LayerNorm if it has an offset, else RMSNorm."""
    weight, bias = parts["weight"], parts.get("bias")
    if bias is not None:
        return lambda x: F.layer_norm(x, weight.shape, weight, bias, shape.eps)
    # Values concatenated with their negatives have mean zero, so LayerNorm of them is RMSNorm: one
    # fast kernel, where `F.rms_norm` takes a dozen operations on a CPU.
    twice = torch.cat([weight, weight])
    width = len(weight)
    return lambda x: F.layer_norm(torch.cat([x, -x], -1), twice.shape, twice, None, shape.eps)[
        :, :width
    ]


def _under(name: str, parts: Tensors) -> Tensors:
    return {f"{name}.{part}": tensor for part, tensor in parts.items()}


def _of(name: str, parts: Tensors) -> Tensors:
    prefix = f"{name}."
    return {
        part[len(prefix) :]: tensor for part, tensor in parts.items() if part.startswith(prefix)
    }

"""From a model's folder to a packed decoder."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from huggingface_hub.errors import StrictDataclassError
from transformers import AutoConfig

from engine.checkpoint import Broken
from engine.messages import Precision
from engine.model import ModelFiles
from engine.runtime.loading import Report, broken
from engine.runtime.packed import embedding, linear
from engine.runtime.packed.decoder import Layer, Model, PackedRuntime, Step
from engine.runtime.packed.families import Shape, shape
from engine.runtime.packed.weights import LayerWeights, Matrix, Norm, Unfit, Weights


def load_packed(files: ModelFiles, precision: Precision, report: Report) -> PackedRuntime | None:
    """Read a model and pack it; None where its configuration is not one that can be packed.

    Raises:
        EngineError: ``broken_model``, when the files do not hold what the configuration says.
    """
    try:
        config = AutoConfig.from_pretrained(
            files.folder, local_files_only=True, trust_remote_code=False
        )
        found = shape(config)
        if found is None:
            return None
        with Weights(files.folder, found) as weights, torch.inference_mode():
            return PackedRuntime(_pack(weights, found, precision, report))
    except (Unfit, Broken, OSError, ValueError, KeyError, StrictDataclassError) as error:
        raise broken(files, str(error).strip().partition("\n")[0]) from error


def _pack(weights: Weights, shape: Shape, precision: Precision, report: Report) -> Model:
    dtype = linear.dtype(precision)
    table, head = weights.embedding(), weights.head()
    positions = weights.positions()
    last_norm = _norm(weights.last_norm(), shape, dtype)
    layers = []
    for number in range(shape.layers):
        report("reading weights", 100 * number / shape.layers)
        layers.append(_layer(weights.layer(number), shape, precision))
    return Model(
        shape=shape,
        dtype=dtype,
        embedding=embedding.pack(precision, table),
        positions=None if positions is None else positions.to(dtype),
        layers=layers,
        last_norm=last_norm,
        head=linear.pack(precision, table if head is None else head, None),
    )


def _layer(weights: LayerWeights, shape: Shape, precision: Precision) -> Layer:
    def matrix(given: Matrix) -> linear.Linear:
        return linear.pack(precision, given.weight, given.bias)

    dtype = linear.dtype(precision)
    gain = None
    if weights.head_norms is not None:
        queries, keys = weights.head_norms
        gain = torch.cat([queries.expand(shape.heads, -1), keys.expand(shape.kv_heads, -1)])
    return Layer(
        before_attention=_norm(weights.before_attention, shape, dtype),
        qkv=matrix(weights.qkv),
        head_gain=None if gain is None else gain.to(dtype),
        out=matrix(weights.out),
        before_mlp=_norm(weights.before_mlp, shape, dtype),
        up=matrix(weights.up),
        down=matrix(weights.down),
    )


def _norm(given: Norm, shape: Shape, dtype: torch.dtype) -> Step:
    """A normalisation: by mean and variance where it has an offset, else by size alone."""
    weight = given.weight.to(dtype)
    if given.bias is not None:
        bias = given.bias.to(dtype)
        return lambda x: F.layer_norm(x, weight.shape, weight, bias, shape.eps)
    # Numbers and their opposites have mean zero, so that LayerNorm divides by their size alone:
    # one fast kernel, where `F.rms_norm` takes a dozen operations on a CPU.
    twice = torch.cat([weight, weight])
    width = len(weight)
    return lambda x: F.layer_norm(torch.cat([x, -x], -1), twice.shape, twice, None, shape.eps)[
        :, :width
    ]

"""Runs a graph on keys and values that are ours."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

import onnxruntime
import torch

from engine.runtime.graph import attention
from engine.runtime.graph.nodes import Graph
from engine.runtime.packed.cache import Block

_FATAL = 4
"""Errors are raised, and need not be logged as well."""


class Session:
    """A graph, and where its inputs and outputs are in memory."""

    def __init__(self, graph: Graph, layers: int) -> None:
        """Compile a graph, whose weights are packed for this processor.

        It runs on as many threads as PyTorch does now.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = _FATAL
        weights = {name: _value(tensor) for name, tensor in graph.weights.items()}
        options.add_external_initializers(list(weights), list(weights.values()))
        self._session = onnxruntime.InferenceSession(
            graph.serialised(), options, providers=["CPUExecutionProvider"]
        )
        self._weights = weights  # some are read where they are
        self._layers = layers
        self._bindings: WeakKeyDictionary[Block, onnxruntime.IOBinding] = WeakKeyDictionary()

    def run(
        self,
        block: Block,
        inputs: Mapping[str, torch.Tensor],
        outputs: Mapping[str, torch.Tensor],
    ) -> None:
        """Run the graph once: fill the outputs, and write new keys and values into the block."""
        binding = self._bindings.get(block)
        if binding is None:
            binding = self._bindings[block] = self._bound(block.memory)
        self._run(binding, inputs, outputs)

    def run_row(
        self,
        block: Block,
        row: int,
        inputs: Mapping[str, torch.Tensor],
        outputs: Mapping[str, torch.Tensor],
    ) -> None:
        """Run it for one row of a block alone."""
        self._run(self._bound(block.memory[:, row : row + 1]), inputs, outputs)

    def _run(
        self,
        binding: onnxruntime.IOBinding,
        inputs: Mapping[str, torch.Tensor],
        outputs: Mapping[str, torch.Tensor],
    ) -> None:
        for name, tensor in inputs.items():
            binding.bind_ortvalue_input(name, _value(tensor))
        for name, tensor in outputs.items():
            binding.bind_ortvalue_output(name, _value(tensor))
        self._session.run_with_iobinding(binding)

    def _bound(self, memory: torch.Tensor) -> onnxruntime.IOBinding:
        binding = self._session.io_binding()
        places = ((layer, part) for layer in range(self._layers) for part in attention.PARTS)
        for (layer, part), tensor in zip(places, memory, strict=True):
            value = _value(tensor)
            binding.bind_ortvalue_input(attention.past(layer, part), value)
            binding.bind_ortvalue_output(attention.present(layer, part), value)
        return binding


def _value(tensor: torch.Tensor) -> onnxruntime.OrtValue:
    """A tensor as ONNX Runtime sees it, in the same memory."""
    return onnxruntime.OrtValue.ortvalue_from_numpy(tensor.numpy())

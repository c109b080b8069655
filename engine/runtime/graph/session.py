"""Runs a graph on keys and values that are ours."""

from __future__ import annotations

import time
from collections.abc import Mapping
from weakref import WeakKeyDictionary

import onnxruntime
import torch

from engine.machine import threads
from engine.runtime.graph import attention
from engine.runtime.graph.nodes import Graph
from engine.runtime.packed.cache import Block

_FATAL = 4
"""Errors are raised, and need not be logged as well."""


AMORTISED = 10
"""A graph is compiled again after this many times what it took, so that a machine that is busy on
and off costs at most a tenth of the time."""


class Session:
    """A graph, and where its inputs and outputs are in memory.

    It runs on the number of threads in use. The number is fixed when a graph is compiled, and a
    second compiled graph would take as much memory again, so it is compiled anew for another
    number. (Threads that sleep instead of waiting awake for each other are no way out: waking them
    takes longer than most parts of a step.)
    """

    def __init__(self, graph: Graph, layers: int) -> None:
        """Compile a graph, whose weights are packed for this processor."""
        self._graph = graph.serialised()
        self._weights = {name: _value(tensor) for name, tensor in graph.weights.items()}
        self._layers = layers
        self._bindings: WeakKeyDictionary[Block, onnxruntime.IOBinding] = WeakKeyDictionary()
        self._compile()

    def _compile(self) -> None:
        began = time.monotonic()
        self.threads = threads.used()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.log_severity_level = _FATAL
        options.add_external_initializers(list(self._weights), list(self._weights.values()))
        self._session = onnxruntime.InferenceSession(
            self._graph, options, providers=["CPUExecutionProvider"]
        )
        self._compiled = time.monotonic()
        self._took = self._compiled - began

    def _adapt(self) -> None:
        """Compile the graph again if another number of threads is in use now."""
        since = time.monotonic() - self._compiled
        if self.threads != threads.used() and since >= AMORTISED * self._took:
            self._bindings.clear()
            del self._session  # first, as there may be no room for two
            self._compile()

    def run(
        self,
        block: Block,
        inputs: Mapping[str, torch.Tensor],
        outputs: Mapping[str, torch.Tensor],
    ) -> None:
        """Run the graph once: fill the outputs, and write new keys and values into the block."""
        self._adapt()
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
        self._adapt()
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

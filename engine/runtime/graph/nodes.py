"""A graph while it is put together: its nodes, its inputs and outputs, and its weights.

The weights stay where they are, usually in a mapped file: the graph only names them.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
import torch
from onnx import TensorProto, helper

OURS = "com.microsoft"
"""The domain of the operators that ONNX Runtime adds to the standard ones."""
_OPSET, _IR = 20, 9
_TYPES = {
    torch.float32: TensorProto.FLOAT,
    torch.int64: TensorProto.INT64,
    torch.int32: TensorProto.INT32,
    torch.uint8: TensorProto.UINT8,
}
Dimensions = Sequence[int | str]


class Graph:
    """Collects what a graph consists of; a value is the name of what a node computes."""

    def __init__(self) -> None:
        self.weights: dict[str, torch.Tensor] = {}
        self._nodes: list[onnx.NodeProto] = []
        self._inputs: list[onnx.ValueInfoProto] = []
        self._outputs: list[onnx.ValueInfoProto] = []
        self._constants: dict[str, onnx.TensorProto] = {}

    def input(self, name: str, dtype: torch.dtype, dimensions: Dimensions) -> str:
        """Declare an input, and return its name; dimensions in words are free."""
        self._inputs.append(helper.make_tensor_value_info(name, _TYPES[dtype], dimensions))
        return name

    def output(self, name: str, dimensions: Dimensions, dtype: torch.dtype = torch.float32) -> None:
        """Declare a value as an output."""
        self._outputs.append(helper.make_tensor_value_info(name, _TYPES[dtype], dimensions))

    def weight(self, name: str, tensor: torch.Tensor) -> str:
        """Take a tensor as a weight, and return its name."""
        self.weights[name] = tensor
        return name

    def constant(self, *numbers: int) -> str:
        """A short list of int64 numbers."""
        name = f"constant {numbers}"
        shape = [len(numbers)]
        self._constants[name] = helper.make_tensor(name, TensorProto.INT64, shape, numbers)
        return name

    def add(self, kind: str, inputs: Sequence[str], domain: str = "", **attributes: object) -> str:
        """Add a node with one output, and return that."""
        return self.several(kind, inputs, 1, domain, **attributes)[0]

    def several(
        self,
        kind: str,
        inputs: Sequence[str],
        outputs: int | Sequence[str],
        domain: str = "",
        **attributes: object,
    ) -> Sequence[str]:
        """Add a node with several outputs, a number of them or their names; return the names."""
        label = f"{len(self._nodes)} {kind}"
        if isinstance(outputs, int):
            outputs = [f"{label} {number}" for number in range(outputs)]
        self._nodes.append(
            helper.make_node(kind, inputs, outputs, label, domain=domain, **attributes)
        )
        return outputs

    def serialised(self) -> bytes:
        """The graph without its weights, which are declared as external."""
        declared = [*self._constants.values(), *map(self._declared, self.weights)]
        graph = helper.make_graph(self._nodes, "decoder", self._inputs, self._outputs, declared)
        opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(OURS, 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=_IR)
        serialised: bytes = model.SerializeToString()
        return serialised

    def _declared(self, name: str) -> onnx.TensorProto:
        tensor = self.weights[name]
        declared = TensorProto(name=name, data_type=_TYPES[tensor.dtype], dims=tensor.shape)
        declared.data_location = TensorProto.EXTERNAL
        declared.external_data.add(key="location", value="given to the session")
        return declared

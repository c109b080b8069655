"""A table of token vectors in 8 bits, of which rows are looked up.

Also used with 4-bit matrices: a table is not read as a whole at each step, so it costs no speed,
and the input of the first layer should stay accurate. A Q8_0 table loses nothing.
"""

from __future__ import annotations

import torch.nn.functional as F

from engine.runtime.graph.matrices import GROUP, Tensors, filled
from engine.runtime.graph.nodes import OURS, Graph
from engine.runtime.refining import refinable


class Table:
    """Nodes that read rows of what `matrices.prepare` made of a table in 8 bits."""

    def __init__(self, graph: Graph, name: str, parts: Tensors, width: int) -> None:
        """`name` is that of the matrix, if the table is also multiplied as a whole."""
        self._graph, self._name, self._width = graph, name, width
        steps, scales = parts["steps"].flatten(1), parts["scales"]
        self._size, self._filled = steps.shape
        self._steps = graph.weight(f"{name}.table", steps)
        self._scales = graph.weight(f"{name}.scales", scales)
        self._outliers = parts.get("outliers")
        if self._outliers is not None:
            self._lost = graph.weight(f"{name}.lost", parts["columns"].t().contiguous())

    def looked_up(self, ids: str) -> str:
        """Vectors, float32 [..., width], of ids, int64 [...]."""
        graph, vectors = self._graph, self._rows(ids)
        if self._filled != self._width:
            begin, end, axis = (graph.constant(place) for place in (0, self._width, -1))
            vectors = graph.add("Slice", [vectors, begin, end, axis])
        if self._outliers is None:
            return vectors
        places = F.one_hot(self._outliers, self._width).float()
        lost = graph.add("Gather", [self._lost, ids])
        lost = graph.add("MatMul", [lost, graph.weight(f"{self._name}.places", places)])
        return graph.add("Add", [vectors, lost])

    def refined(self, logits: str, states: str) -> tuple[str, str]:
        """The ids of the largest logits, and these computed again without rounding the states.

        The logits are float32 [tokens, vocabulary], the states [tokens, width], the result int64
        and float32 [tokens, n]. See `engine.runtime.refining`.
        """
        graph, last = self._graph, self._graph.constant(-1)
        count = graph.constant(refinable(self._size))
        _, places = graph.several("TopK", [logits, count], 2, sorted=0)
        whole = graph.add("Unsqueeze", [filled(graph, states, self._width), last])
        exact = graph.add("MatMul", [self._rows(places), whole])
        if self._outliers is not None:
            outliers = graph.weight(f"{self._name}.outliers", self._outliers)
            own = graph.add("Gather", [states, outliers], axis=-1)
            lost = graph.add("Gather", [self._lost, places])
            lost = graph.add("MatMul", [lost, graph.add("Unsqueeze", [own, last])])
            exact = graph.add("Add", [exact, lost])
        return places, graph.add("Squeeze", [exact, last])

    def _rows(self, ids: str) -> str:
        return self._graph.add(
            "GatherBlockQuantized",
            [self._steps, ids, self._scales],
            OURS,
            bits=8,
            block_size=GROUP,
            quantize_axis=1,
        )

"""A causal model in a quantised form: its graph, and what is done around it."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from engine.interfaces import Branches
from engine.messages import FloatInputs
from engine.runtime.graph import attention
from engine.runtime.graph.attention import IDS, Rotation, head_size
from engine.runtime.graph.building import (
    KEPT,
    LARGEST,
    LARGEST_IDS,
    LOGITS,
    POSITIONS,
    STATES,
    build,
)
from engine.runtime.graph.session import Session
from engine.runtime.graph.stored import Parts
from engine.runtime.packed import cache
from engine.runtime.packed.cache import PackedRows
from engine.runtime.packed.families import Shape
from engine.runtime.padding import padded
from engine.runtime.refining import refinable
from engine.runtime.soundness import sound


class GraphRuntime:
    """A `CausalRuntime` that runs a graph; see `packed.cache` for its branches."""

    def __init__(self, parts: Parts, shape: Shape, floats: FloatInputs) -> None:
        """Build and compile the graph; `floats` names the matrices that multiply floats."""
        self._parts = parts
        self._shape = shape
        self.floats: FloatInputs = floats
        self.vocabulary = shape.vocabulary
        self.context: int | None = shape.context
        self.reversible = True
        self._positions = parts("outer").get("positions")
        self._rotations = [
            None if kind.rotary is None else Rotation(kind.rotary, head_size(shape))
            for kind in shape.kinds
        ]
        self._refined = refinable(shape.vocabulary)
        graph = build(parts, shape, floats)
        self._session = Session(graph, shape.layers)
        # Some are parts of others.
        held = {tensor.data_ptr(): tensor.nbytes for tensor in graph.weights.values()}
        if self._positions is not None:
            held[self._positions.data_ptr()] = self._positions.nbytes
        self.bytes = sum(held.values())

    def with_floats(self, floats: FloatInputs) -> GraphRuntime:
        """The same weights, with other matrices that multiply floats."""
        return GraphRuntime(self._parts, self._shape, floats)

    def empty(self) -> Branches:
        """One empty row; see `CausalRuntime.empty`."""
        shape = self._shape
        logits = torch.full((1, shape.vocabulary), torch.nan)
        # Keys and values of a layer are separate in memory, as its node reads them.
        blocks = len(attention.PARTS) * shape.layers
        size = head_size(shape)
        return cache.empty(blocks, shape.kv_heads, size, torch.float32, "cpu", logits)

    def regime(self, length: int) -> int:
        """Always 0; see `PackedRuntime.regime`."""
        return 0

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        """Feed ids to the rows; see `CausalRuntime.feed`.

        Raises:
            EngineError: ``broken_model``, see `sound`; `read` too.
        """
        return self._forward(cache.own(branches), torch.tensor(ids), only_last=True)[0]

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        """Feed ids, returning the logits after each; see `CausalRuntime.read`."""
        return self._forward(cache.own(branches), torch.tensor(ids), only_last=False)

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        """Fork or drop rows; see `CausalRuntime.select`."""
        with torch.inference_mode():
            return cache.select(cache.own(branches), list(rows), sharing=False)

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        """Drop the last tokens; see `CausalRuntime.crop`."""
        return cache.crop(cache.own(branches), length, logits)

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The last hidden states of texts; see `CausalRuntime.states`.

        Raises:
            EngineError: ``broken_model``, see `sound`.
        """
        empty = self.select(self.empty(), [0] * len(rows))
        _, states, _ = self._run(cache.own(empty), padded(rows), only_last=True)
        return sound(states)

    def _forward(
        self, rows: PackedRows, ids: torch.Tensor, *, only_last: bool
    ) -> tuple[PackedRows, torch.Tensor]:
        block, _, logits = self._run(rows, ids, only_last=only_last)
        logits = sound(logits)
        return PackedRows(block, rows.own + ids.shape[1], None, logits[:, -1]), logits

    @torch.inference_mode()
    def _run(
        self, rows: PackedRows, ids: torch.Tensor, *, only_last: bool
    ) -> tuple[cache.Block, torch.Tensor, torch.Tensor]:
        """Run the graph; returns the updated block, the last states and the logits."""
        shape, tokens = self._shape, ids.shape[1]
        end = rows.length + tokens
        kept = [tokens - 1] if only_last else range(tokens)
        inputs = {
            IDS: ids,
            KEPT: torch.tensor([row * tokens + n for row in range(rows.rows) for n in kept]),
            attention.LAST: torch.full((rows.rows,), end - 1, dtype=torch.int32),
            attention.TOTAL: torch.tensor([end], dtype=torch.int32),
        }
        if self._positions is not None:
            inputs[POSITIONS] = self._positions[rows.length : end]
        for kind, rotation in enumerate(self._rotations):
            if rotation is not None:
                inputs |= zip(attention.angles(kind), rotation.tables(end), strict=True)
        states = torch.empty(rows.rows, tokens, shape.width)
        logits = torch.empty(rows.rows, len(kept), shape.vocabulary)
        largest = torch.empty(rows.rows, len(kept), self._refined)
        places = torch.empty(largest.shape, dtype=torch.int64)
        outputs = {STATES: states, LOGITS: logits, LARGEST_IDS: places, LARGEST: largest}
        block = cache.with_room(rows, tokens)
        if rows.rows == 1 or tokens == 1 or not rows.length:
            whole = {name: output.flatten(0, 1) for name, output in outputs.items()}
            self._session.run(block, inputs, whole)
        else:  # the attention node reads several tokens after others for one row only
            inputs[KEPT] = inputs[KEPT][: len(kept)]
            for row in range(rows.rows):
                one = slice(row, row + 1)
                own = inputs | {name: inputs[name][one] for name in (IDS, attention.LAST)}
                found = {name: output[row] for name, output in outputs.items()}
                self._session.run_row(block, row, own, found)
        return block, states, logits.scatter_(-1, places, largest)

"""Keys and values of a batch: one block for all layers, and a prefix shared by forks.

A block is [parts, rows, heads, capacity, head_dim], so that one slice a step finds all layers. In
PyTorch's decoder a layer is one part, keys before values, so that one copy writes both; in a graph
it is two, for the keys and for the values. A block grows in steps of `GROW` places.

Rows are values: what was once written for them stays. A block is only ever written behind the last
place that was written; rows that end before it copy their part first. A fork of a long row reads
its block as a prefix, once a step for all branches, which write to a block of their own.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.interfaces import Branches
from engine.messages import Device

GROW = 128
"""Minimum number of places that a block grows by."""
SHARED_FROM = 256
"""Forks of shorter rows copy them, as reading two blocks costs a few more operations per layer."""


@dataclass(eq=False)
class Block:
    """Memory for keys and values: `used` places are written, `lent` of them shared with others."""

    memory: torch.Tensor
    used: int
    lent: int = 0


@dataclass(frozen=True)
class PackedRows:
    """Branches of a packed decoder: `own` places of a block, after those of a shared prefix."""

    block: Block
    own: int
    prefix: torch.Tensor | None
    """[parts, 1, heads, places, head_dim], the same for all rows."""
    logits: torch.Tensor

    @property
    def rows(self) -> int:
        """The number of branches."""
        return self.block.memory.shape[1]

    @property
    def regime(self) -> int:
        """Always 0; see `Branches.regime`."""
        return 0

    @property
    def shared(self) -> int:
        """Places of the prefix."""
        return 0 if self.prefix is None else self.prefix.shape[3]

    @property
    def length(self) -> int:
        """Tokens fed so far."""
        return self.shared + self.own

    @property
    def memory(self) -> dict[int, int]:
        """Bytes of the blocks it reads; see `Branches.memory`."""
        blocks = [self.block.memory] if self.prefix is None else [self.block.memory, self.prefix]
        return {
            block.untyped_storage().data_ptr(): block.untyped_storage().nbytes()
            for block in blocks
            if block.numel()
        }


def own(branches: Branches) -> PackedRows:
    """Branches that are of this kind.

    Raises:
        TypeError: another runtime made them.
    """
    if not isinstance(branches, PackedRows):
        raise TypeError(f"branches of another runtime: {type(branches).__name__}")
    return branches


def empty(
    parts: int,
    heads: int,
    head_dim: int,
    dtype: torch.dtype,
    device: Device,
    logits: torch.Tensor,
) -> PackedRows:
    """One empty row."""
    memory = torch.empty(parts, 1, heads, 0, head_dim, dtype=dtype, device=device)
    return PackedRows(Block(memory, 0), 0, None, logits)


def with_room(rows: PackedRows, places: int) -> Block:
    """A block with the places that `rows` own and room to write `places` more."""
    block = rows.block
    needed = rows.own + places
    if needed > block.memory.shape[3] or rows.own != block.used:
        block = _block(rows.block.memory, rows.rows, needed)
        block.memory[:, :, :, : rows.own] = rows.block.memory[:, :, :, : rows.own]
    block.used = needed
    return block


def select(rows: PackedRows, index: list[int], *, sharing: bool) -> PackedRows:
    """These rows, in this order. Unchanged, they share their memory; otherwise they are copied.

    With `sharing`, forks of a long row share what it contains.
    """
    logits = rows.logits[index]
    if index == list(range(rows.rows)):
        rows.block.lent = max(rows.block.lent, rows.own)
        return PackedRows(rows.block, rows.own, rows.prefix, logits)
    memory = rows.block.memory[:, :, :, : rows.own]
    shareable = sharing and rows.rows == 1 and rows.prefix is None
    if shareable and rows.own >= SHARED_FROM:
        rows.block.lent = max(rows.block.lent, rows.own)
        return PackedRows(_block(memory, len(index), 0), 0, memory, logits)
    if len(index) > 1 and rows.prefix is not None:
        block = _block(memory, len(index), rows.own)
        block.memory[:, :, :, : rows.own] = memory[:, index]
        return PackedRows(block, rows.own, rows.prefix, logits)
    block = _block(memory, len(index), rows.length)
    if rows.prefix is not None:
        block.memory[:, :, :, : rows.shared] = rows.prefix
    block.memory[:, :, :, rows.shared : rows.length] = memory[:, index]
    return PackedRows(block, rows.length, None, logits)


def crop(rows: PackedRows, length: int, logits: torch.Tensor | None) -> PackedRows:
    """The rows cropped to `length`; the places after it are reused if possible.

    Without logits those of the last token that is left are NaN.
    """
    if length == rows.length:
        return rows
    if logits is None:
        logits = torch.full_like(rows.logits, torch.nan)
    if length < rows.shared:
        assert rows.prefix is not None
        block = _block(rows.block.memory, rows.rows, 0)
        return PackedRows(block, 0, rows.prefix[:, :, :, :length], logits)
    own = length - rows.shared
    if rows.block.used == rows.own:
        rows.block.used = max(own, rows.block.lent)
    return PackedRows(rows.block, own, rows.prefix, logits)


def _block(like: torch.Tensor, rows: int, places: int) -> Block:
    """A new block with this many places in use, and room for half as many more, at least `GROW`."""
    capacity = -(-(places + min(places // 2, 4 * GROW)) // GROW) * GROW
    parts, _, heads, _, head_dim = like.shape
    return Block(like.new_empty(parts, rows, heads, capacity, head_dim), places)

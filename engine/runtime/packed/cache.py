"""Keys and values of a batch: one block for all layers, and a prefix that forks can share.

A block is [layers, rows, 2 * kv_heads, capacity, head_dim], keys before values, so that one copy a
layer writes both and one slice a step finds all layers. It grows in steps of `GROW` places. A
fork of a long row lends its block: the branches read it together, once a step for all of them,
and write to a block of their own. Places that are lent are never written again.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

GROW = 128
"""Places that a block grows by, at the least."""
SHARED_FROM = 256
"""Forks of shorter rows copy them: reading two blocks costs a few operations more a layer."""


@dataclass
class Block:
    """Memory for keys and values; `lent` places at its beginning are read by others too."""

    memory: torch.Tensor
    lent: int = 0

    @property
    def capacity(self) -> int:
        """Places that it has."""
        return self.memory.shape[3]


@dataclass(frozen=True)
class PackedRows:
    """Branches of a packed decoder: `own` places of a block, after those of a shared prefix."""

    block: Block
    own: int
    prefix: torch.Tensor | None
    """[layers, 1, 2 * kv_heads, places, head_dim], the same for all rows."""
    logits: torch.Tensor

    @property
    def rows(self) -> int:
        """How many branches there are."""
        return self.block.memory.shape[1]

    @property
    def shared(self) -> int:
        """Places of the prefix."""
        return 0 if self.prefix is None else self.prefix.shape[3]

    @property
    def length(self) -> int:
        """Tokens fed so far."""
        return self.shared + self.own

    @property
    def bytes(self) -> int:
        """What the keys and values take; a shared prefix is counted by each that reads it."""
        return self.block.memory.nbytes + (0 if self.prefix is None else self.prefix.nbytes)


def empty(
    layers: int, kv_heads: int, head_dim: int, dtype: torch.dtype, logits: torch.Tensor
) -> PackedRows:
    """One row with no place taken."""
    memory = torch.empty(layers, 1, 2 * kv_heads, 0, head_dim, dtype=dtype)
    return PackedRows(Block(memory), 0, None, logits)


def with_room(rows: PackedRows, places: int) -> Block:
    """A block that holds what `rows` own and can be written for so many places more."""
    needed = rows.own + places
    if needed <= rows.block.capacity and rows.own >= rows.block.lent:
        return rows.block
    block = _block(rows.block.memory, rows.rows, needed)
    block.memory[:, :, :, : rows.own] = rows.block.memory[:, :, :, : rows.own]
    return block


def select(rows: PackedRows, index: torch.Tensor) -> PackedRows:
    """These rows, in this order, with memory of their own behind what they share."""
    logits = rows.logits[index]
    own = rows.block.memory[:, :, :, : rows.own]
    if len(index) > 1 and rows.rows == 1 and rows.prefix is None and rows.own >= SHARED_FROM:
        rows.block.lent = max(rows.block.lent, rows.own)
        return PackedRows(_block(own, len(index), 0), 0, own, logits)
    if len(index) > 1 and rows.prefix is not None:
        block = _block(own, len(index), rows.own)
        block.memory[:, :, :, : rows.own] = own[:, index]
        return PackedRows(block, rows.own, rows.prefix, logits)
    block = _block(own, len(index), rows.length)
    if rows.prefix is not None:
        block.memory[:, :, :, : rows.shared] = rows.prefix
    block.memory[:, :, :, rows.shared : rows.length] = own[:, index]
    return PackedRows(block, rows.length, None, logits)


def crop(rows: PackedRows, length: int) -> PackedRows:
    """The rows without what comes after `length`."""
    logits = torch.full_like(rows.logits, torch.nan)
    if length >= rows.shared:
        return PackedRows(rows.block, length - rows.shared, rows.prefix, logits)
    assert rows.prefix is not None
    own = _block(rows.block.memory, rows.rows, 0)
    return PackedRows(own, 0, rows.prefix[:, :, :, :length], logits)


def _block(like: torch.Tensor, rows: int, places: int) -> Block:
    """A new block with room for at least so many places; a half more where it is a long row."""
    capacity = -(-(places + min(places // 2, 4 * GROW)) // GROW) * GROW
    layers, _, heads, _, head_dim = like.shape
    return Block(like.new_empty(layers, rows, heads, capacity, head_dim))

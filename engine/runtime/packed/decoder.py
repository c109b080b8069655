"""The forward pass of a packed model: few operations per layer, nothing computed twice."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from engine.interfaces import Branches
from engine.messages import Device
from engine.runtime.packed import cache
from engine.runtime.packed.cache import PackedRows
from engine.runtime.packed.families import Activation, Rotary, Shape
from engine.runtime.packed.linear import Linear
from engine.runtime.padding import padded
from engine.runtime.refining import refined
from engine.runtime.soundness import sound

_ACTIVATIONS: dict[Activation, Callable[[torch.Tensor], torch.Tensor]] = {
    "silu": F.silu,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "relu": F.relu,
}

Step = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Layer:
    """One layer, packed."""

    before_attention: Step
    qkv: Linear
    head_gain: torch.Tensor | None
    """[heads + kv_heads, head_dim]: of queries and keys that are normalised head by head."""
    out: Linear
    after_attention: Step
    before_mlp: Step
    up: Linear
    down: Linear
    after_mlp: Step

    @property
    def bytes(self) -> int:
        """Bytes of its matrices."""
        return sum(matrix.bytes for matrix in (self.qkv, self.out, self.up, self.down))


@dataclass(frozen=True)
class Model:
    """A model, packed."""

    shape: Shape
    dtype: torch.dtype
    embedding: torch.Tensor
    """[vocabulary, width]."""
    positions: torch.Tensor | None
    layers: Iterable[Layer]
    last_norm: Step
    head: Linear | None
    """None if only states are wanted."""

    @property
    def bytes(self) -> int:
        """Bytes of its matrices and tables."""
        tables = self.embedding.nbytes + (0 if self.positions is None else self.positions.nbytes)
        head = 0 if self.head is None else self.head.bytes
        return tables + head + sum(layer.bytes for layer in self.layers)


class PackedRuntime:
    """A `CausalRuntime` for packed weights; see `cache` for what branches share."""

    def __init__(self, model: Model, device: Device) -> None:
        """Wrap a packed model whose tensors are on this device."""
        self._model = model
        self._device = device
        shape = model.shape
        self.vocabulary = shape.vocabulary
        self.context: int | None = shape.context
        self.reversible = True
        self._rotations = [
            None if kind.rotary is None else _Rotation(shape, kind.rotary, device)
            for kind in shape.kinds
        ]

    @property
    def bytes(self) -> int:
        """Bytes in memory, without branches."""
        return self._model.bytes

    def empty(self) -> Branches:
        """One empty row; see `CausalRuntime.empty`."""
        shape = self._model.shape
        logits = torch.full((1, shape.vocabulary), torch.nan)
        dtype = self._model.dtype
        return cache.empty(
            shape.layers, 2 * shape.kv_heads, shape.head_dim, dtype, self._device, logits
        )

    def regime(self, length: int) -> int:
        """Always 0, as `families.shape` accepts no others; see `CausalRuntime.regime`."""
        return 0

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        """Feed ids to the rows; see `CausalRuntime.feed`.

        Raises:
            EngineError: ``broken_model``, see `sound`; `read` too.
        """
        return self._forward(cache.own(branches), ids, only_last=True)[0]

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        """Feed ids, returning the logits after each; see `CausalRuntime.read`."""
        return self._forward(cache.own(branches), ids, only_last=False)

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        """Fork or drop rows; see `CausalRuntime.select`."""
        with torch.inference_mode():
            # Attention over a prefix and what follows it needs a kernel of the CPU's.
            sharing = self._device == "cpu"
            return cache.select(cache.own(branches), list(rows), sharing=sharing)

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        """Drop the last tokens; see `CausalRuntime.crop`."""
        return cache.crop(cache.own(branches), length, logits)

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The last hidden states of texts; see `CausalRuntime.states`.

        Raises:
            EngineError: ``broken_model``, see `sound`.
        """
        with torch.inference_mode():
            empty = cache.own(self.select(self.empty(), [0] * len(rows)))
            hidden, _ = self._layers(empty, padded(rows).to(self._device))
            states = self._model.last_norm(hidden.flatten(0, 1)).float()
            return sound(states.view(*hidden.shape))

    def _forward(
        self, rows: PackedRows, ids: Sequence[Sequence[int]], *, only_last: bool
    ) -> tuple[PackedRows, torch.Tensor]:
        with torch.inference_mode():
            hidden, grown = self._layers(rows, torch.tensor(ids, device=self._device))
            if only_last:
                hidden = hidden[:, -1:]
            logits = self._logits(self._model.last_norm(hidden.flatten(0, 1)))
            logits = sound(logits.view(rows.rows, -1, self.vocabulary))
        own = rows.own + len(ids[0])
        return PackedRows(grown, own, rows.prefix, logits[:, -1]), logits

    def _logits(self, x: torch.Tensor) -> torch.Tensor:
        """float32 [tokens, vocabulary] of [tokens, width].

        A bf16 logit of 20 can be off by a sixteenth, enough to change its rank. If the output layer
        is the embedding, the largest logits are recomputed from its rows.
        """
        model = self._model
        assert model.head is not None
        logits = model.head(x).float()
        if model.dtype == torch.float32 or not model.shape.tied:
            return logits
        return refined(logits, x, lambda ids: model.embedding[ids].float())

    def _layers(self, rows: PackedRows, ids: torch.Tensor) -> tuple[torch.Tensor, cache.Block]:
        """Run the layers; return the last states, [rows, tokens, width], and the updated block."""
        model, shape = self._model, self._model.shape
        count, tokens = ids.shape
        begin, end = rows.length, rows.length + tokens
        x = model.embedding[ids.flatten()]
        if shape.embedding_scale != 1:
            x = x * shape.embedding_scale
        if model.positions is not None:
            x = (x.view(count, tokens, -1) + model.positions[begin:end]).flatten(0, 1)
        turns = [
            None if each is None else each.turn(begin, end, x.dtype) for each in self._rotations
        ]
        block = cache.with_room(rows, tokens)
        attention = _Attention(shape, rows, block, tokens)
        for number, layer in enumerate(model.layers):
            qkv = layer.qkv(layer.before_attention(x)).view(count, tokens, -1, shape.head_dim)
            if layer.head_gain is not None:
                qkv = _normalised(qkv, layer.head_gain, shape.eps)
            if (turn := turns[shape.kind_of[number]]) is not None:
                qkv = turn(qkv)
            x = x + layer.after_attention(layer.out(attention(number, qkv)))
            hidden = self._activated(layer.up(layer.before_mlp(x)))
            x = x + layer.after_mlp(layer.down(hidden))
        return x.view(count, tokens, -1), block

    def _activated(self, x: torch.Tensor) -> torch.Tensor:
        activate = _ACTIVATIONS[self._model.shape.activation]
        if not self._model.shape.gated:
            return activate(x)
        gate, other = x.chunk(2, -1)
        return activate(gate).mul_(other)


class _View:
    """What the layers of one kind attend to in a step: places that any of its tokens can see.

    Several tokens of which the window shows each another part of a shared prefix read a copy of
    that part together with their own places, as if nothing were shared.
    """

    def __init__(
        self, window: int | None, rows: PackedRows, block: cache.Block, tokens: int, group: int
    ) -> None:
        begin, end = rows.length, rows.length + tokens
        if window is None or window >= end:
            window = end
        first = max(0, begin + 1 - window)
        begin_own = max(first, rows.shared)
        self.own = block.memory[:, :, :, begin_own - rows.shared : end - rows.shared].unbind(0)
        self.prefix = None
        self.joined = False
        if rows.prefix is not None and first < rows.shared:
            self.prefix = rows.prefix[:, :, :, first:].unbind(0)
            self.joined = tokens > 1 and window < end
        # A single token attends to all that is left; several at once need a mask.
        self.mask = None
        if tokens > 1:
            start = first if self.joined else begin_own
            seen = block.memory.new_ones(tokens, end - start, dtype=torch.bool)
            seen = seen.tril_(begin - start).triu_(begin - start - window + 1)
            mask = block.memory.new_zeros(seen.shape).masked_fill_(~seen, -torch.inf)
            self.mask = mask.repeat(group, 1)


class _Attention:
    """Attention of one step; what all layers of a kind share is computed once."""

    def __init__(self, shape: Shape, rows: PackedRows, block: cache.Block, tokens: int) -> None:
        self._shape = shape
        self._rows, self._tokens = rows.rows, tokens
        self._group = shape.heads // shape.kv_heads
        self._new = block.memory[:, :, :, rows.own : rows.own + tokens].unbind(0)
        self._views = [_View(kind.window, rows, block, tokens, self._group) for kind in shape.kinds]

    def __call__(self, number: int, qkv: torch.Tensor) -> torch.Tensor:
        """[rows, tokens, heads + 2 * kv_heads, head_dim] -> [rows * tokens, heads * head_dim]."""
        shape = self._shape
        states = qkv.transpose(1, 2)
        self._new[number].copy_(states[:, shape.heads :])
        # Heads that share a key are concatenated, as if they were more tokens.
        queries = states[:, : shape.heads].reshape(
            self._rows, shape.kv_heads, self._group * self._tokens, shape.head_dim
        )
        view = self._views[shape.kind_of[number]]
        own, prefix = view.own[number], None if view.prefix is None else view.prefix[number]
        if prefix is not None and view.joined:
            own, prefix = torch.cat([prefix.expand(self._rows, -1, -1, -1), own], 2), None
        keys, values = own.chunk(2, 1)
        if prefix is None:
            mixed = F.scaled_dot_product_attention(
                queries, keys, values, attn_mask=view.mask, scale=shape.scale
            )
        else:
            mixed = self._with_prefix(queries, keys, values, prefix, view.mask)
        if self._tokens > 1:
            mixed = mixed.reshape(self._rows, shape.heads, self._tokens, -1).transpose(1, 2)
        return mixed.reshape(self._rows * self._tokens, -1)

    def _with_prefix(
        self,
        queries: torch.Tensor,
        keys: torch.Tensor,
        values: torch.Tensor,
        prefix: torch.Tensor,
        mask: torch.Tensor | None,
    ) -> torch.Tensor:
        """Attention over a prefix shared by all rows, read once, and over their own places.

        Each half returns its output and the log-sum-exp of its scores, from which the softmax over
        both follows.
        """
        rows, heads, asked, _ = queries.shape
        together = queries.transpose(0, 1).reshape(1, heads, rows * asked, -1)
        scale = self._shape.scale
        before, before_sum = _attend(together, *prefix.chunk(2, 1), scale=scale)
        own, own_sum = _attend(queries, keys, values, attn_mask=mask, scale=scale)
        before = before.view(heads, rows, asked, -1).transpose(0, 1)
        before_sum = before_sum.view(heads, rows, asked).transpose(0, 1)
        share = torch.sigmoid(own_sum - before_sum).unsqueeze(-1)
        return torch.lerp(before.float(), own.float(), share).to(queries.dtype)


_attend: Callable[..., tuple[torch.Tensor, torch.Tensor]] = (
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
)


class _Rotation:
    """Rotary positions: pairs of a head's values are rotated by angles that grow with the position.

    The first half of a head pairs with the second. Values are rotated by zero, so that queries,
    keys and values go through the same three operations at once.
    """

    def __init__(self, shape: Shape, rotary: Rotary, device: Device) -> None:
        self._shape = shape
        self._frequencies = torch.tensor(rotary.frequencies, device=device)
        self._scale = rotary.scale

    def turn(self, begin: int, end: int, dtype: torch.dtype) -> Step:
        """A function to rotate [rows, places, heads + 2 * kv_heads, head_dim] at these places."""
        shape = self._shape
        device = self._frequencies.device
        places = torch.arange(begin, end, dtype=torch.float32, device=device)
        angles = places[:, None] * self._frequencies
        cos, sin = angles.cos() * self._scale, angles.sin() * self._scale
        turned, still = shape.heads + shape.kv_heads, shape.kv_heads
        # [places, heads + 2 * kv_heads, head_dim]
        cosines = angles.new_ones(len(places), turned + still, shape.head_dim)
        sines = torch.zeros_like(cosines)
        cosines[:, :turned] = torch.cat([cos, cos], -1)[:, None]
        sines[:, :turned] = torch.cat([-sin, sin], -1)[:, None]
        cosines, sines = cosines.to(dtype), sines.to(dtype)
        half = shape.head_dim // 2

        def turn(qkv: torch.Tensor) -> torch.Tensor:
            return torch.addcmul(qkv * cosines, qkv.roll(half, -1), sines)

        return turn


def _normalised(qkv: torch.Tensor, gain: torch.Tensor, eps: float) -> torch.Tensor:
    """Normalise queries and keys head by head; values are unchanged."""
    normal, values = qkv[:, :, : len(gain)], qkv[:, :, len(gain) :]
    return torch.cat([F.rms_norm(normal, normal.shape[-1:], eps=eps) * gain, values], 2)

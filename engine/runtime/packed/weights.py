"""Reads tensors from a folder's safetensors files layer by layer, checking each one's shape."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

import torch
from safetensors import SafetensorError, safe_open

from engine.interfaces import LoadReport
from engine.messages import Message
from engine.runtime.loading import unplaced
from engine.runtime.packed.families import Shape
from engine.store import checkpoint
from engine.store.checkpoint import Broken

if TYPE_CHECKING:
    from types import TracebackType


_OUTPUT = "lm_head.weight"


@dataclass(frozen=True)
class Matrix:
    """A projection as it is stored: float32 [out, in], and its bias or None."""

    weight: torch.Tensor
    bias: torch.Tensor | None = None


@dataclass(frozen=True)
class Norm:
    """The gain of a normalisation, and its offset if it also subtracts the mean."""

    weight: torch.Tensor
    bias: torch.Tensor | None = None


@dataclass(frozen=True)
class LayerWeights:
    """One layer, with the projections of one input concatenated."""

    before_attention: Norm
    qkv: Matrix
    """Queries of all heads, then keys, then values."""
    head_norms: tuple[torch.Tensor, torch.Tensor] | None
    """For queries and for keys, if heads are normalised one by one."""
    out: Matrix
    after_attention: Norm | None
    before_mlp: Norm
    up: Matrix
    """If the feed-forward is gated: the gate, then what it multiplies."""
    down: Matrix
    after_mlp: Norm | None


class Weights:
    """The tensors of one model, read on demand as float32 copies."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        """Open the files of a folder; use it in a `with`."""
        self._folder = folder
        self._shape = shape
        self._files = ExitStack()
        self._readers: dict[str, Callable[[str], torch.Tensor]] = {}
        self._taken: set[str] = set()
        self._root = ""

    def __enter__(self) -> Self:
        for path in checkpoint.weight_files(self._folder):
            try:
                file = self._files.enter_context(safe_open(path, framework="pt"))
                names = file.offset_keys()
            except (SafetensorError, OSError) as error:
                raise Broken("reason.damaged", file=path.name, error=error) from error
            self._readers.update(dict.fromkeys(names, file.get_tensor))
        root = "transformer." if self._shape.conv1d else "model."
        # Checkpoints of the bare model, without a head, leave the prefix out.
        self._root = root if any(name.startswith(root) for name in self._readers) else ""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._files.close()

    def embedding(self) -> torch.Tensor:
        """float32 [vocabulary, width]."""
        name = self._root + ("wte.weight" if self._shape.conv1d else "embed_tokens.weight")
        if self._shape.tied and name not in self._readers and _OUTPUT in self._readers:
            name = _OUTPUT
        return self._take(name, self._shape.vocabulary, self._shape.width)

    def positions(self) -> torch.Tensor | None:
        """float32 [context, width]; None if positions are not learned."""
        if not self._shape.conv1d:
            return None
        return self._take(self._root + "wpe.weight", self._shape.context, self._shape.width)

    def last_norm(self) -> Norm:
        """The normalisation before the output layer."""
        return self._norm(self._root + ("ln_f" if self._shape.conv1d else "norm"))

    def head(self) -> torch.Tensor | None:
        """The output layer, float32 [vocabulary, width]; None if it is the embedding.

        As in transformers, a separate one in the files is used whatever the configuration says.
        """
        if self._shape.tied and _OUTPUT not in self._readers:
            return None
        head = self._take(_OUTPUT, self._shape.vocabulary, self._shape.width)
        return None if self._shape.tied and torch.equal(head, self.embedding()) else head

    def complete(self) -> None:
        """Check, after everything was read, that no other tensors of the model are in the files.

        Raises:
            Broken: they do.
        """
        parts = {name[: dot.end()] for name in self._taken for dot in re.finditer(r"\.", name)}
        if more := unplaced(sorted(self._readers.keys() - self._taken), parts):
            raise Broken(more)

    def layers(self, report: LoadReport) -> Iterator[LayerWeights]:
        """Read one layer after the other, reporting before each how much is read."""
        read = self._gpt2 if self._shape.conv1d else self._llama
        for number in range(self._shape.layers):
            report(Message.of("stage.weights"), 100 * number / self._shape.layers)
            yield read(number)

    def _gpt2(self, number: int) -> LayerWeights:
        shape = self._shape
        root = f"{self._root}h.{number}."

        def matrix(name: str, out: int, into: int) -> Matrix:
            weight = self._take(f"{root}{name}.weight", into, out)
            return Matrix(weight.t().contiguous(), self._take(f"{root}{name}.bias", out))

        return LayerWeights(
            before_attention=self._norm(root + "ln_1"),
            qkv=matrix("attn.c_attn", 3 * shape.width, shape.width),
            head_norms=None,
            out=matrix("attn.c_proj", shape.width, shape.width),
            after_attention=None,
            before_mlp=self._norm(root + "ln_2"),
            up=matrix("mlp.c_fc", shape.hidden, shape.width),
            down=matrix("mlp.c_proj", shape.width, shape.hidden),
            after_mlp=None,
        )

    def _llama(self, number: int) -> LayerWeights:
        shape = self._shape
        root = f"{self._root}layers.{number}."

        def matrix(block: str, parts: Mapping[str, int], into: int, bias: bool) -> Matrix:
            names = {f"{root}{block}.{name}": out for name, out in parts.items()}
            weights = [self._take(f"{name}.weight", out, into) for name, out in names.items()]
            biases = [self._take(f"{name}.bias", out) for name, out in names.items() if bias]
            return Matrix(torch.cat(weights), torch.cat(biases) if bias else None)

        queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        attention = {"q_proj": queries, "k_proj": keys, "v_proj": keys}
        mlp = {"gate_proj": shape.hidden, "up_proj": shape.hidden}
        head_norms = None
        if shape.qk_norm:
            head_norms = (
                self._gain(f"{root}self_attn.q_norm.weight", shape.head_dim),
                self._gain(f"{root}self_attn.k_norm.weight", shape.head_dim),
            )
        # Before the feed-forward, or after attention where there are both.
        second = self._norm(root + "post_attention_layernorm")
        third = fourth = None
        if shape.sandwiched:
            third = self._norm(root + "pre_feedforward_layernorm")
            fourth = self._norm(root + "post_feedforward_layernorm")
        return LayerWeights(
            before_attention=self._norm(root + "input_layernorm"),
            qkv=matrix("self_attn", attention, shape.width, shape.qkv_bias),
            head_norms=head_norms,
            out=matrix("self_attn", {"o_proj": shape.width}, queries, shape.out_bias),
            after_attention=None if third is None else second,
            before_mlp=second if third is None else third,
            up=matrix("mlp", mlp, shape.width, shape.mlp_bias),
            down=matrix("mlp", {"down_proj": shape.width}, shape.hidden, shape.mlp_bias),
            after_mlp=fourth,
        )

    def _norm(self, name: str) -> Norm:
        weight = self._gain(f"{name}.weight", self._shape.width)
        bias = self._take(f"{name}.bias", self._shape.width) if self._shape.conv1d else None
        return Norm(weight, bias)

    def _gain(self, name: str, size: int) -> torch.Tensor:
        stored = self._take(name, size)
        return 1 + stored if self._shape.gains_from_one else stored

    def _take(self, name: str, *shape: int) -> torch.Tensor:
        reader = self._readers.get(name)
        if reader is None:
            raise Broken("reason.lacks", names=name)
        self._taken.add(name)
        try:
            stored = reader(name)
        except SafetensorError as error:
            raise Broken("reason.unreadable", file=name, why=str(error)) from error
        if tuple(stored.shape) != shape:
            raise Broken("reason.other_shape", names=name)
        # A copy: what the file maps may begin at any byte, and fast kernels want aligned rows.
        return stored.to(torch.float32, copy=True)

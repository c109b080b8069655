"""Any causal model of transformers, in fp32, a step at a time: the reference for exactness."""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForCausalLM
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from engine.errors import EngineError
from engine.messages import Error
from engine.model import Branches, ModelFiles
from engine.runtime.loading import read_model
from engine.runtime.soundness import sound

if TYPE_CHECKING:
    from transformers import PreTrainedModel

CHUNK = 64
"""Prompt tokens fed at once: some tenths of a second, so that a cancel is felt at once."""
SCORED_ROWS = 16
"""Sequences scored side by side."""
SCORED_NUMBERS = 16_000_000
"""Logits held at once while scoring: 64 MB."""


@dataclass(frozen=True)
class CachedRows:
    """Branches of a `GenericRuntime`. Its cache is altered by the next step or crop."""

    cache: DynamicCache
    rows: int
    length: int
    logits: torch.Tensor


class GenericRuntime:
    """Steps a transformers causal model with transformers' own key-value cache.

    `step` and `crop` take over the cache of the branches they are given, which are then spent;
    `select` copies, so that one prefix can be forked again and again. Callers keep within
    `context`.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        """Take a model that is on the CPU, in fp32 and in evaluation mode.

        Raises:
            EngineError: ``unable``, when its class keeps its past in a way of its own.
        """
        accepted = inspect.signature(model.forward).parameters
        if "past_key_values" not in accepted:
            raise EngineError(
                Error(
                    kind="unable",
                    message=f"{type(model).__name__} does not keep its past as keys and values.",
                    hint="Take a transformer model, such as GPT-2 or Llama.",
                )
            )
        self._model = model
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        config = model.config.get_text_config(decoder=True)
        self._plain = all(
            type(layer) in (DynamicLayer, DynamicSlidingWindowLayer)
            for layer in DynamicCache(config=config).layers
        )
        self.vocabulary: int = config.vocab_size
        self.context: int | None = getattr(config, "max_position_embeddings", None)
        self.bytes: int = model.get_memory_footprint()

    def prefill(self, ids: Sequence[int]) -> Generator[None, None, Branches]:
        """Feed a prompt of at least one id in chunks; see `CausalRuntime.prefill`."""
        tokens = torch.tensor([list(ids)])
        cache = self._cache()
        logits = torch.empty(0)
        for start in range(0, len(ids), CHUNK):
            if start:
                yield None
            logits = self._forward(cache, tokens[:, start : start + CHUNK], **self._only_last)
        return CachedRows(cache, 1, len(ids), logits[:, -1])

    def step(self, branches: Branches, ids: Sequence[int]) -> Branches:
        """Feed one id to each row; the branches handed in are spent."""
        rows = _own(branches)
        logits = self._forward(rows.cache, torch.tensor(ids).unsqueeze(1))
        return CachedRows(rows.cache, rows.rows, rows.length + 1, logits[:, -1])

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        """Copy these rows, in this order, into branches of their own."""
        source = _own(branches)
        index = torch.tensor(rows)
        with torch.inference_mode():
            cache = _twin(source.cache)
            cache.reorder_cache(index)
            return CachedRows(cache, len(rows), source.length, source.logits[index])

    def crop(self, branches: Branches, length: int) -> Branches:
        """Forget all tokens after the first `length`; the branches handed in are spent.

        Raises:
            EngineError: ``unable``, for a model with recurrent layers, which cannot go back.
        """
        rows = _own(branches)
        if length == rows.length:
            return rows
        if not self._plain:
            raise EngineError(
                Error(
                    kind="unable",
                    message=f"{type(self._model).__name__} cannot forget its last tokens alone.",
                    hint="Take a model that has attention layers only, such as GPT-2 or Llama.",
                )
            )
        rows.cache.crop(length - rows.length)
        return CachedRows(rows.cache, rows.rows, length, torch.full_like(rows.logits, torch.nan))

    def logprobs(self, ids: Sequence[Sequence[int]]) -> list[torch.Tensor]:
        """Score whole sequences; see `CausalRuntime.logprobs`."""
        scores = [torch.empty(0)] * len(ids)
        by_length = sorted(range(len(ids)), key=lambda number: len(ids[number]))
        for start in range(0, len(ids), SCORED_ROWS):
            numbers = by_length[start : start + SCORED_ROWS]
            for number, row in zip(numbers, self._scored([ids[n] for n in numbers]), strict=True):
                scores[number] = row
        return scores

    def _scored(self, ids: Sequence[Sequence[int]]) -> Iterator[torch.Tensor]:
        """Score sequences side by side, padded on the right, where no token looks.

        What they all begin with is fed once, as one row, which is then forked.
        """
        width = max(len(row) for row in ids)
        tokens = torch.tensor([[*row, *[0] * (width - len(row))] for row in ids])
        scores = torch.empty(len(ids), max(width - 1, 0))
        shared = min(_shared(ids), width - 1)
        cache = self._cache()
        chunk = max(1, SCORED_NUMBERS // (len(ids) * self.vocabulary))
        starts = [*range(0, shared, chunk), *range(shared, width - 1, chunk)]
        for start, stop in itertools.pairwise([*starts, width - 1]):
            if start == shared and len(ids) > 1:
                cache.reorder_cache(torch.zeros(len(ids), dtype=torch.long))
            fed = tokens[:1] if start < shared else tokens
            logprobs = self._forward(cache, fed[:, start:stop]).log_softmax(-1)
            targets = tokens[:, start + 1 : stop + 1, None]
            found = logprobs.expand(len(ids), -1, -1).gather(-1, targets)
            scores[:, start:stop] = found.squeeze(-1)
        return (row[: max(len(given) - 1, 0)] for row, given in zip(scores, ids, strict=True))

    def _forward(self, cache: DynamicCache, tokens: torch.Tensor, **options: int) -> torch.Tensor:
        """Logits, float32 [rows, tokens, vocabulary], of tokens that follow those in the cache.

        Raises:
            EngineError: ``broken_model``, as `sound` says.
        """
        with torch.inference_mode():
            output = self._model(tokens, past_key_values=cache, use_cache=True, **options)
            return sound(output.logits)

    def _cache(self) -> DynamicCache:
        """An empty cache.

        Made without the configuration, a cache keeps all keys even of sliding layers (the masks
        still hide them), so that it can be cropped to any length. Other layers need it.
        """
        return DynamicCache() if self._plain else DynamicCache(config=self._model.config)


def load_causal(files: ModelFiles, report: Callable[[str, float], None]) -> GenericRuntime:
    """Read a causal model from its folder.

    Raises:
        EngineError: ``broken_model`` or ``unable``, as `read_model` and `GenericRuntime` say.
    """
    return GenericRuntime(read_model(AutoModelForCausalLM, files, report))


def _own(branches: Branches) -> CachedRows:
    if not isinstance(branches, CachedRows):
        raise TypeError(f"branches of another runtime: {type(branches).__name__}")
    return branches


def _shared(ids: Sequence[Sequence[int]]) -> int:
    """How many ids all these sequences begin with alike."""
    columns = enumerate(zip(*ids, strict=False))
    shortest = min(map(len, ids))
    return next((place for place, column in columns if len(set(column)) > 1), shortest)


def _twin(cache: DynamicCache) -> DynamicCache:
    """A cache that shares its tensors with another, ready to have its rows reordered.

    Reordering puts new tensors into the layers (and into dictionaries, in recurrent ones).
    """
    twin = copy.copy(cache)
    twin.layers = []
    for layer in cache.layers:
        other = copy.copy(layer)
        for name, value in vars(layer).items():
            if isinstance(value, dict):
                setattr(other, name, dict(value))
        twin.layers.append(other)
    return twin

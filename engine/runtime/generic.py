"""Runs any causal model of transformers in fp32: the reference for exactness."""

from __future__ import annotations

import copy
import inspect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from transformers import AutoModelForCausalLM
from transformers.cache_utils import DynamicCache, DynamicLayer, DynamicSlidingWindowLayer

from engine.errors import refusal
from engine.interfaces import Branches, LoadReport, ModelFiles
from engine.messages import Device
from engine.runtime.loading import read_model
from engine.runtime.padding import padded
from engine.runtime.soundness import sound
from engine.runtime.stretching import Stretching
from engine.store.heads import context

if TYPE_CHECKING:
    from transformers import PreTrainedModel

AGAIN = 512
"""Tokens fed at once when a text is read again."""


@dataclass(frozen=True)
class CachedRows:
    """Branches of a `GenericRuntime`. The next step or crop modifies its cache."""

    cache: DynamicCache
    rows: int
    length: int
    logits: torch.Tensor
    regime: int = 0
    fed: tuple[tuple[int, ...], ...] = ()
    """The ids of each row, if they may have to be read again."""

    @property
    def memory(self) -> dict[int, int]:
        """Bytes of the cache's tensors; see `Branches.memory`."""
        values = itertools.chain.from_iterable(vars(layer).values() for layer in self.cache.layers)
        return {
            value.data_ptr(): value.nbytes
            for value in values
            if isinstance(value, torch.Tensor) and value.numel()
        }


class GenericRuntime:
    """Runs a causal model with transformers' own key-value cache."""

    def __init__(self, model: PreTrainedModel) -> None:
        """Wrap a model in fp32 and evaluation mode.

        Raises:
            EngineError: ``unable``, if its class does not use transformers' key-value cache.
        """
        accepted = inspect.signature(model.forward).parameters
        # transformers 5.24 renamed it.
        past = next((name for name in ("cache", "past_key_values") if name in accepted), None)
        if past is None:
            raise refusal("unable", "no_cache", architecture=type(model).__name__)
        self._model = model
        self._device = model.device
        self._past = past
        self._only_last = {"logits_to_keep": 1} if "logits_to_keep" in accepted else {}
        config = model.config.get_text_config(decoder=True)
        self.reversible: bool = all(
            type(layer) in (DynamicLayer, DynamicSlidingWindowLayer)
            for layer in DynamicCache(config=config).layers
        )
        self._stretching = Stretching(model)
        self.vocabulary: int = config.vocab_size
        self.context: int | None = context(config.to_dict())
        self.bytes: int = model.get_memory_footprint()

    def empty(self) -> Branches:
        """One empty row; see `CausalRuntime.empty`."""
        nothing = torch.full((1, self.vocabulary), torch.nan)
        return CachedRows(self._cache(), 1, 0, nothing, fed=((),))

    def regime(self, length: int) -> int:
        """How a text of this length is read; see `CausalRuntime.regime`."""
        return self._stretching.regime(length)

    def feed(self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0) -> Branches:
        """Feed ids to the rows; see `CausalRuntime.feed`.

        Raises:
            EngineError: ``broken_model``, see `sound`; `read` too.
        """
        return self._forward(_own(branches), ids, whole, **self._only_last)[0]

    def read(
        self, branches: Branches, ids: Sequence[Sequence[int]], whole: int = 0
    ) -> tuple[Branches, torch.Tensor]:
        """Feed ids, returning the logits after each; see `CausalRuntime.read`."""
        return self._forward(_own(branches), ids, whole)

    def select(self, branches: Branches, rows: Sequence[int]) -> Branches:
        """Copy these rows, in this order, into new branches."""
        source = _own(branches)
        index = torch.tensor(rows, device=self._device)
        with torch.inference_mode():
            cache = _twin(source.cache)
            cache.reorder_cache(index)
            return replace(
                source,
                cache=cache,
                rows=len(rows),
                logits=source.logits[list(rows)],
                fed=tuple(source.fed[row] for row in rows) if source.fed else (),
            )

    def crop(self, branches: Branches, length: int, logits: torch.Tensor | None = None) -> Branches:
        """Drop all tokens after the first `length`; the given branches become invalid.

        Raises:
            EngineError: ``unable``, for a model with recurrent layers, which cannot be cropped.
        """
        rows = _own(branches)
        if length == rows.length:
            return rows
        if not self.reversible:
            raise refusal("unable", "no_rewind", architecture=type(self._model).__name__)
        rows.cache.crop(length - rows.length)
        last_logits = torch.full_like(rows.logits, torch.nan) if logits is None else logits
        fed = tuple(row[:length] for row in rows.fed)
        return replace(rows, length=length, logits=last_logits, fed=fed)

    def states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The last hidden states of texts; see `CausalRuntime.states`.

        Raises:
            EngineError: ``broken_model``, see `sound`.
        """
        regimes: dict[int, list[int]] = {}
        for number, row in enumerate(rows):
            regimes.setdefault(self.regime(len(row)), []).append(number)
        alike = [self._states([rows[number] for number in some]) for some in regimes.values()]
        found = alike[0].new_zeros(len(rows), max(map(len, rows)), alike[0].shape[-1])
        for some, states in zip(regimes.values(), alike, strict=True):
            found[some, : states.shape[1]] = states
        return found

    def _states(self, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        """The same for texts of one regime."""
        ids = padded(rows).to(self._device)
        with torch.inference_mode(), self._stretching.reading(ids.shape[1]):
            states: torch.Tensor = self._model.base_model(ids, use_cache=False)[0]
            return sound(states.float())

    def _forward(
        self, rows: CachedRows, ids: Sequence[Sequence[int]], whole: int, **options: int
    ) -> tuple[CachedRows, torch.Tensor]:
        length = rows.length + len(ids[0])
        whole = max(whole, length)
        regime = self.regime(whole)
        if rows.length and regime != rows.regime:
            rows = self._again(rows, whole)
        with torch.inference_mode(), self._stretching.reading(whole):
            kept = {self._past: rows.cache}
            fed = torch.tensor(ids, device=self._device)
            output = self._model(fed, use_cache=True, **kept, **options)
            logits = sound(output.logits)
        grown = replace(rows, length=length, logits=logits[:, -1], regime=regime)
        if self._stretching:
            fed_ids = [(*old, *new) for old, new in zip(rows.fed, ids, strict=True)]
            grown = replace(grown, fed=tuple(fed_ids))
        return grown, logits

    def _again(self, rows: CachedRows, whole: int) -> CachedRows:
        """The same rows, read again as the beginning of a text of this length."""
        again = replace(rows, cache=self._cache(), length=0, fed=((),) * rows.rows)
        for start in range(0, rows.length, AGAIN):
            some = [row[start : start + AGAIN] for row in rows.fed]
            again, _ = self._forward(again, some, whole, **self._only_last)
        return again

    def _cache(self) -> DynamicCache:
        """An empty cache.

        Without the configuration, a cache keeps all keys even of sliding layers (which the masks
        still hide), so that it can be cropped to any length. Recurrent layers need it.
        """
        return DynamicCache() if self.reversible else DynamicCache(config=self._model.config)


def load_causal(files: ModelFiles, report: LoadReport, device: Device = "cpu") -> GenericRuntime:
    """Load a causal model from its folder onto a device.

    Raises:
        EngineError: ``broken_model`` or ``unable``, see `read_model` and `GenericRuntime`.
    """
    return GenericRuntime(read_model(AutoModelForCausalLM, files, report, device))


def _own(branches: Branches) -> CachedRows:
    if not isinstance(branches, CachedRows):
        raise TypeError(f"branches of another runtime: {type(branches).__name__}")
    return branches


def _twin(cache: DynamicCache) -> DynamicCache:
    """A shallow copy of a cache, whose rows can be reordered independently.

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

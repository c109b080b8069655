"""A model in memory: its runtimes, its tokenizer, and what is kept of the texts it has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from engine.interfaces import CausalRuntime, MaskedRuntime, ModelFiles, Tokenizer
from engine.messages import Device, Precision
from engine.runtime.pair_cache import PairCache
from engine.runtime.prefix_cache import PrefixCache, chunk
from engine.store.heads import FP32


@dataclass
class LoadedModel:
    """A model in memory. Tasks use it; the lifecycle owns it."""

    files: ModelFiles
    tokenizer: Tokenizer
    causal: CausalRuntime | None = None
    masked: MaskedRuntime | None = None
    precision: Precision = "exact"
    device: Device = "cpu"
    prefix_cache: PrefixCache | None = field(init=False)
    """What the causal runtime has read lately, where there is one."""
    pair_cache: PairCache = field(default_factory=PairCache)
    """What was said of pairs of sentences lately."""

    def __post_init__(self) -> None:
        self.prefix_cache = None
        if self.causal is not None:
            self.prefix_cache = PrefixCache(self.causal, chunk=chunk(self.files.memory // FP32))

    @cached_property
    def texts(self) -> list[str]:
        """What each id of the vocabulary reads as; asking for all takes some tenths of a second."""
        return [self.tokenizer.token(number).text for number in range(self.tokenizer.vocabulary)]

    @property
    def bytes(self) -> int:
        """Bytes that its weights take in memory, and what is kept of the texts it has read."""
        parts = (self.causal, self.masked, self.prefix_cache)
        return sum(part.bytes for part in parts if part) + self.pair_cache.bytes

    def forget(self) -> None:
        """Give back what is kept of texts."""
        if self.prefix_cache is not None:
            self.prefix_cache.clear()
        self.pair_cache.clear()

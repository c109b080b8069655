"""A model in memory: its runtimes, its tokenizer and its caches."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.interfaces import CausalRuntime, MaskedRuntime, ModelFiles, Tokenizer
from engine.messages import Device, Precision
from engine.runtime.pair_cache import PairCache
from engine.runtime.prefix_cache import GPU_WORK, WORK, PrefixCache, chunk
from engine.store.heads import FP32
from engine.store.ngram_files import MODEL_TYPE

if TYPE_CHECKING:
    from engine.runtime.inside.model import InsideModel


@dataclass
class LoadedModel:
    """A model in memory. Tasks use it; the lifecycle owns it."""

    files: ModelFiles
    tokenizer: Tokenizer
    causal: CausalRuntime | None = None
    masked: MaskedRuntime | None = None
    inside: InsideModel | None = None
    """Instead of the runtimes, where it was loaded to look into it."""
    precision: Precision = "exact"
    device: Device = "cpu"
    prefix_cache: PrefixCache | None = field(init=False)
    """The texts read recently by the causal runtime; None without one."""
    pair_cache: PairCache = field(default_factory=PairCache)
    """The pairs of sentences scored recently."""

    def __post_init__(self) -> None:
        self.prefix_cache = None
        if self.causal is not None:
            work = WORK if self.device == "cpu" else GPU_WORK
            tokens = chunk(self.files.memory // FP32, work)
            self.prefix_cache = PrefixCache(self.causal, chunk=tokens)

    def replace_causal(self, causal: CausalRuntime) -> None:
        """Run the same model in another way from now on; tasks in progress keep the old one."""
        self.causal = causal
        self.__post_init__()

    @property
    def has_states(self) -> bool:
        """Whether it has states of texts; an n-gram model has none."""
        return self.files.model_type != MODEL_TYPE

    @cached_property
    def texts(self) -> list[str]:
        """The text of each id of the vocabulary; the first call takes some tenths of a second."""
        return [self.tokenizer.token(number).text for number in range(self.tokenizer.vocabulary)]

    @property
    def bytes(self) -> int:
        """Bytes that its weights and caches take in memory."""
        parts = (self.causal, self.masked, self.inside, self.prefix_cache)
        return sum(part.bytes for part in parts if part) + self.pair_cache.bytes

    def forget(self) -> None:
        """Empty the caches."""
        if self.prefix_cache is not None:
            self.prefix_cache.clear()
        self.pair_cache.clear()

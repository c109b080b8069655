"""A model in memory: its runtimes, its tokenizer and its caches."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from engine.interfaces import CausalRuntime, Listing, MaskedRuntime, ModelFiles, Remote, Tokenizer
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
    listing: Listing | None = None
    """What its server gives instead of logits; None for a model that runs here."""
    remote: Remote | None = None
    """Takes the steps of tasks, where they wait for a server."""
    prefix_cache: PrefixCache | None = field(init=False)
    """The texts read recently by the causal runtime; None without one."""
    pair_cache: PairCache = field(default_factory=PairCache)
    """The pairs of sentences scored recently."""

    def __post_init__(self) -> None:
        self.prefix_cache = None
        if self.causal is not None:
            work = WORK if self.device == "cpu" else GPU_WORK
            # A server reads all at once, and keeps what it read itself.
            size = sys.maxsize if self.listing else chunk(self.files.memory // FP32, work)
            self.prefix_cache = PrefixCache(self.causal, chunk=size)

    def replace_causal(self, causal: CausalRuntime) -> None:
        """Run the same model in another way from now on; tasks in progress keep the old one."""
        self.causal = causal
        self.__post_init__()

    @property
    def has_states(self) -> bool:
        """Whether it has states of texts here: an n-gram model has none, a server keeps its own."""
        return self.files.model_type != MODEL_TYPE and self.files.server is None

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

"""A model in memory: its runtimes, its tokenizer, and what is kept of the texts it has read."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

from engine.interfaces import CausalRuntime, MaskedRuntime, ModelFiles, Tokenizer
from engine.messages import Device, Precision
from engine.runtime.pair_cache import PairMemory
from engine.runtime.prefix_cache import Prefixes, chunk
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
    prefixes: Prefixes | None = field(init=False)
    """What the causal runtime has read lately, where there is one."""
    pairs: PairMemory = field(default_factory=PairMemory)
    """What was said of pairs of sentences lately."""

    def __post_init__(self) -> None:
        self.prefixes = None
        if self.causal is not None:
            self.prefixes = Prefixes(self.causal, chunk=chunk(self.files.memory // FP32))

    @cached_property
    def texts(self) -> list[str]:
        """What each id of the vocabulary reads as; asking for all takes some tenths of a second."""
        return [self.tokenizer.token(number).text for number in range(self.tokenizer.vocabulary)]

    @property
    def bytes(self) -> int:
        """Bytes that its weights take in memory, and what is kept of the texts it has read."""
        parts = (self.causal, self.masked, self.prefixes)
        return sum(part.bytes for part in parts if part) + self.pairs.bytes

    def forget(self) -> None:
        """Give back what is kept of texts."""
        if self.prefixes is not None:
            self.prefixes.clear()
        self.pairs.clear()

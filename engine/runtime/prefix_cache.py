"""Keys and values kept between requests, so that a common beginning of texts is read only once.

Rows are kept by the ids they contain. A request takes the row that shares the longest prefix with
it, drops what differs, and feeds the rest. The results are those of a fresh start, to float
tolerance; the same prompt gives identical logits, so that the same seed draws the same text. Losing
the cache costs only time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.interfaces import Branches, CausalRuntime

CHUNK = 64
"""Tokens fed at once if the size of a model is unknown, or if the logits after each of them are
needed, which take memory."""
WORK = 24_000_000_000
"""Multiplications between two yields to other tasks: some tenths of a second on two cores."""
GPU_WORK = 100 * WORK
"""The same on a GPU: there a chunk of 32 tokens takes as long as one token, since what it waits for
is the start of each kernel."""
LIMIT = 512_000_000
"""Bytes that one model's rows may take, within the memory budget of all models."""


def chunk(weights: int, work: int = WORK) -> int:
    """Tokens to feed at once to a model with this many weights: a power of two from 32 to 512.

    Larger chunks take less time per token; smaller ones let a cancel or another request through
    sooner.
    """
    if not weights:
        return CHUNK
    return min(max(1 << max(work // weights, 1).bit_length() - 1, 32), 512)


@dataclass(frozen=True)
class _Kept:
    """A row and the ids that were fed to it."""

    ids: tuple[int, ...]
    row: Branches


class PrefixCache:
    """The cached rows of one model in one form."""

    def __init__(self, runtime: CausalRuntime, limit: int = LIMIT, chunk: int = CHUNK) -> None:
        """Start empty; `limit` is in bytes, `chunk` in tokens."""
        self._runtime = runtime
        self._chunk = chunk
        self._limit = limit
        self._kept: list[_Kept] = []
        """The least recently used first."""

    @property
    def bytes(self) -> int:
        """Bytes that the rows take; shared memory is counted once."""
        pieces: dict[int, int] = {}
        for kept in self._kept:
            pieces |= kept.row.memory
        return sum(pieces.values())

    def clear(self) -> None:
        """Drop all rows."""
        self._kept.clear()

    def prefill(self, ids: Sequence[int], whole: int = 0) -> Generator[None, None, Branches]:
        """Return a row that contains these ids, at least one; yield between chunks.

        They are read as part of a text of `whole` tokens if that is longer. What was fed is kept,
        even if the generator is closed early.
        """
        whole = max(whole, len(ids))
        row = self._begun(ids, self._runtime.regime(whole))
        while row.length < len(ids):
            some = ids[row.length : row.length + self._chunk]
            row = self._runtime.feed(row, [some], whole)
            if row.length < len(ids):
                try:
                    yield None
                except GeneratorExit:
                    self.keep(ids[: row.length], row)
                    raise
        self.keep(ids, row)
        return row

    def keep(self, ids: Sequence[int], branches: Branches, number: int = 0) -> None:
        """Cache the row `number`, which contains these ids; the branches are unchanged.

        A row without valid logits is not cached, as whoever asks for its ids needs them.
        """
        if not ids or bool(branches.logits[number].isnan().any()):
            return
        row = self._runtime.select(branches, [number])
        self._kept = [kept for kept in self._kept if kept.ids != tuple(ids)]
        self._kept.append(_Kept(tuple(ids), row))
        while self._kept and self.bytes > self._limit:
            del self._kept[0]

    def _begun(self, ids: Sequence[int], regime: int) -> Branches:
        """A row with the longest cached prefix of these ids, which may be empty."""
        alike = [kept for kept in self._kept if kept.row.regime == regime]
        shared = {id(kept): _shared(kept.ids, ids) for kept in alike}
        for kept in sorted(alike, key=lambda kept: shared[id(kept)], reverse=True):
            length = shared[id(kept)]
            if length < len(kept.ids):
                length = min(length, len(ids) - 1)  # its logits were not kept: feed one id again
            if not length:
                break
            row = self._runtime.select(kept.row, [0])
            try:
                row = row if length == row.length else self._runtime.crop(row, length)
            except (
                EngineError
            ):  # some models cannot be cropped; another row may be a prefix as a whole
                continue
            self._kept.remove(kept)
            self._kept.append(kept)
            return row
        return self._runtime.empty()


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """The length of the common prefix."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))

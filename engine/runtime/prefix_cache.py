"""Keys and values kept between requests: a text that begins like an earlier one is not read twice.

What is kept are rows under the ids that they hold. A request takes the row that agrees with it the
longest, forgets what differs, and feeds the rest. The results are those of a fresh start, to float
tolerance; a prompt asked for again gives its very logits, so that the same seed draws the same
text. Losing any of it costs only time.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.errors import EngineError

if TYPE_CHECKING:
    from engine.interfaces import Branches, CausalRuntime

CHUNK = 64
"""Tokens fed at once where the size of a model is not known, or where the logits after each of them
are wanted, which take memory."""
WORK = 24_000_000_000
"""Multiplications between two looks at what else is asked: some tenths of a second on two cores."""
LIMIT = 512_000_000
"""Bytes that one model's rows may take, besides what the budget of all models allows."""


def chunk(weights: int) -> int:
    """Tokens that a model of so many weights is fed at once: a power of two from 32 to 512.

    More at once take less time each; fewer let a cancel, or another request, through sooner.
    """
    if not weights:
        return CHUNK
    return min(max(1 << max(WORK // weights, 1).bit_length() - 1, 32), 512)


@dataclass(frozen=True)
class _Kept:
    """A row, and all ids that were fed to it."""

    ids: tuple[int, ...]
    row: Branches


class PrefixCache:
    """The rows kept for one model in one form."""

    def __init__(self, runtime: CausalRuntime, limit: int = LIMIT, chunk: int = CHUNK) -> None:
        """Keep nothing yet; feed so many tokens at once."""
        self._runtime = runtime
        self._chunk = chunk
        self._limit = limit
        self._kept: list[_Kept] = []
        """The least recently used first."""

    @property
    def bytes(self) -> int:
        """What the rows take; memory that several share is counted once."""
        pieces: dict[int, int] = {}
        for kept in self._kept:
            pieces |= kept.row.memory
        return sum(pieces.values())

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def prefill(self, ids: Sequence[int], whole: int = 0) -> Generator[None, None, Branches]:
        """One row that holds these ids, at least one; yields between chunks of what is fed.

        They are read as in a text of `whole` tokens where that is longer. What was fed is kept,
        also when the generator is closed on its way.
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
        """Set a row aside that holds these ids; the branches stay as they are.

        A row whose logits are not known is not kept: who asks for its ids needs them.
        """
        if not ids or bool(branches.logits[number].isnan().any()):
            return
        row = self._runtime.select(branches, [number])
        self._kept = [kept for kept in self._kept if kept.ids != tuple(ids)]
        self._kept.append(_Kept(tuple(ids), row))
        while self._kept and self.bytes > self._limit:
            del self._kept[0]

    def _begun(self, ids: Sequence[int], regime: int) -> Branches:
        """A row that holds the longest beginning of these ids that was kept, perhaps nothing."""
        alike = [kept for kept in self._kept if kept.row.regime == regime]
        shared = {id(kept): _shared(kept.ids, ids) for kept in alike}
        for kept in sorted(alike, key=lambda kept: shared[id(kept)], reverse=True):
            length = shared[id(kept)]
            if length < len(kept.ids):
                length = min(length, len(ids) - 1)  # its logits are gone: one id is fed again
            if not length:
                break
            row = self._runtime.select(kept.row, [0])
            try:
                row = row if length == row.length else self._runtime.crop(row, length)
            except EngineError:  # some models cannot go back; another row may be wholly shared
                continue
            self._kept.remove(kept)
            self._kept.append(kept)
            return row
        return self._runtime.empty()


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many ids both begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))

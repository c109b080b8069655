"""Feeds a prompt in pieces small enough that nothing else waits long for its turn."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from engine.model import Branches, CausalRuntime

CHUNK = 64
"""Tokens fed at once: some tenths of a second at most, so that a cancel is felt at once."""


def prefill(
    runtime: CausalRuntime, ids: Sequence[int], after: Branches | None = None
) -> Generator[None, None, Branches]:
    """Feed at least one id to one row, yielding between chunks; return the row.

    `after` is a row to go on from, which is spent; without it the ids begin a text.
    """
    branches = runtime.empty() if after is None else after
    for start in range(0, len(ids), CHUNK):
        if start:
            yield None
        branches = runtime.feed(branches, [ids[start : start + CHUNK]])
    return branches

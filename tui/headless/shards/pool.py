"""Shards scored on engines: on this machine, on others, or on both."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

from engine.messages import Configure
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.session import Session, opened
from tui.headless.shards.folder import Folder
from tui.headless.shards.judging import Judge, score
from tui.headless.shards.pace import Pace
from tui.headless.shards.places import Host
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure

PAUSES_S = (1.0, 5.0, 20.0)
"""How long to wait before a copy is begun again, by how often in a row it was lost."""
LOSSES = 3
"""A shard with which so many copies were lost is left for another run."""

Row = TypeVar("Row")


class Pool(Generic[Row]):
    """Copies of a model that share the shards of a run.

    A shard whose copy is lost goes to another. A lost copy is begun again, unless its machine was
    never reached.
    """

    def __init__(
        self, folder: Folder, judge: Judge[Row], rows: Sequence[Row], pace: Pace, output: Output
    ) -> None:
        self._folder = folder
        self._judge = judge
        self._rows = rows
        self._pace = pace
        self._output = output
        self._waiting = deque(folder.missing())
        self._under_way = 0
        self._losses: dict[int, int] = {}
        self._left_over: deque[int] = deque()
        self._changed = asyncio.Condition()
        self._failure: Failure | None = None
        """Why the last copy ended."""
        self._warned = False
        self._copies = self._left = 0
        """How many there were at first, and how many are not lost for good."""

    async def score(self, hosts: Sequence[tuple[Host, Configure]]) -> Exit:
        """Score all shards, a copy of the model on each host.

        Raises:
            Failure: no copy is left, a shard cannot be scored or cannot be stored.
        """
        self._copies = self._left = len(hosts)
        copies = [asyncio.create_task(self._serve(*host)) for host in hosts]
        try:
            await asyncio.gather(*copies)
        finally:
            for copy in copies:
                copy.cancel()
            await asyncio.gather(*copies, return_exceptions=True)
        if not self._waiting and not self._left_over:
            return Exit.DONE
        assert self._failure is not None, "a copy that ends early says why"
        raise self._told(self._failure)

    def _told(self, failure: Failure) -> Failure:
        """Why the run ended."""
        if not (self._left_over and self._left):
            return failure
        span = self._folder.manifest.span(self._left_over[0])
        return Failure(
            text("shards.left_over", first=span.start + 1, last=span.stop, reason=failure.message)
        )

    async def _serve(self, host: Host, configure: Configure) -> None:
        """Score shards on a copy until none is left, or the copy is lost for good."""
        lost, reached = 0, False
        while True:
            try:
                async with opened(configure, host.command, self._output) as session:
                    try:
                        while (shard := await self._next()) is not None:
                            await self._one(session, shard)
                            lost = 0
                        return
                    finally:
                        reached = reached or session.ready is not None
            except Failure as failure:
                self._failure = failure
                if not failure.lost or not reached or lost == len(PAUSES_S):
                    self._left -= 1
                    if self._copies > 1:  # else the run ends for that reason
                        self._output.warn(
                            text("shards.host_out", host=host.name, reason=failure.message)
                        )
                    return
                self._output.warn(text("shards.host_lost", host=host.name, reason=failure.message))
                await asyncio.sleep(PAUSES_S[lost])
                lost += 1

    async def _one(self, session: Session, shard: int) -> None:
        """Score a shard and store it; one that cannot be goes back."""
        rows = self._rows[self._folder.manifest.span(shard)]
        stored = False
        try:
            if not self._warned:
                self._warned = True
                await warn(session, self._output, self._judge.model, *self._judge.texts(rows))
            scored = await score(
                self._judge, session, rows, lambda done: self._pace.progress(shard, done)
            )
            self._folder.keep(shard, scored)
            stored = True
            self._pace.stored(shard)
        except Failure as failure:
            if failure.lost and session.ready is not None:  # not where it was not even reached
                self._losses[shard] = self._losses.get(shard, 0) + 1
            raise
        finally:
            async with self._changed:
                self._under_way -= 1
                if not stored:
                    self._pace.given_up(shard)
                    again = self._losses.get(shard, 0) < LOSSES
                    (self._waiting if again else self._left_over).append(shard)
                self._changed.notify_all()

    async def _next(self) -> int | None:
        """A shard that nobody scores; None when all are done or left over."""
        async with self._changed:
            # One that is under way may come back.
            await self._changed.wait_for(lambda: self._waiting or not self._under_way)
            if not self._waiting:
                return None
            self._under_way += 1
            return self._waiting.popleft()

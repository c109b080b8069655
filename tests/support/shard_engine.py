"""Engines that score texts by their letters, and are lost, in place of `engine.client.Engine`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.messages import (
    Configure,
    Done,
    Error,
    Event,
    Ready,
    Request,
    ScoredBy,
    ScoreTexts,
    TextScore,
    TextToken,
    Tokenize,
    Tokens,
)
from tui.connection.link import OnState

LOST = Error(kind="worker_died", message="The connection to the engine was lost.")


@dataclass
class ShardEngines:
    """Starts engines, here and elsewhere, by the command that leads there."""

    lives: dict[str | None, list[int]] = field(default_factory=dict)
    """For each place, how many requests its engines answer before they are lost, one after the
    other, a negative number where the place is not reached; then as many as are asked."""
    absent: frozenset[str | None] = frozenset()
    """Places that are never reached."""
    revisions: dict[str | None, str] = field(default_factory=dict)
    answered: list[tuple[str | None, list[str]]] = field(default_factory=list)
    """Where each block was scored, and its texts."""
    configured: list[Configure] = field(default_factory=list)
    started: int = 0
    stopped: int = 0
    fatal: str = ""
    """What ends every engine that scores it."""

    async def start(
        self,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None],
        on_state: OnState,
        *,
        revive: bool,
        command: str | None,
    ) -> _Engine:
        """Stand in for `Engine.start`."""
        self.started += 1
        self.configured.append(configure)
        waiting = self.lives.get(command, [])
        life = waiting.pop(0) if waiting else None
        reached = command not in self.absent and (life is None or life >= 0)
        if reached:
            ready = Ready(protocol=1, pid=1, memory_budget=1, threads=1)
            asyncio.get_running_loop().call_soon(on_event, ready)
        return _Engine(self, command, life, reached)


@dataclass
class _Engine:
    all: ShardEngines
    place: str | None
    life: int | None
    reached: bool

    async def request(self, body: Request) -> AsyncGenerator[Event, None]:
        await asyncio.sleep(0)
        if not self.reached:
            yield LOST
        elif isinstance(body, Tokenize):
            yield Tokens(model=body.model, tokens=[], unknown=0.0, foreign=0.0)
        elif isinstance(body, ScoreTexts):
            fatal = self.all.fatal
            if self.life == 0 or (fatal and any(fatal in text for text in body.texts)):
                yield LOST
                return
            self.life = None if self.life is None else self.life - 1
            self.all.answered.append((self.place, body.texts))
            revision = self.all.revisions.get(self.place, "1")
            yield ScoredBy(model=body.model, revision=revision, method="causal", start=None)
            for index, text in enumerate(body.texts):
                yield _score(index, text)
            yield Done()

    async def stop(self) -> None:
        self.all.stopped += 1


def _score(index: int, text: str) -> TextScore:
    if not text:
        return TextScore(index=index, error=Error(kind="bad_request", message="There is no text."))
    bits = sum(map(ord, text)) / 7
    return TextScore(index=index, tokens=[TextToken(1, text, 0, len(text), -bits, 2, 0.5)])

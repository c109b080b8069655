"""An engine that plays a script, in place of `engine.client.Engine`, for commands."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.messages import Configure, Event, ModelState, Ready, Request, Tokenize, Tokens
from tui.connection.link import OnState

Step = Event | signal.Signals
"""An event of the answer (`ModelState` and `Ready` go to all), or a signal to this process."""


@dataclass
class ScriptedEngine:
    """Answers each request with the script for its kind.

    Whether a model knows a text is asked by most commands: without a script it does, and `asked`
    holds what else was asked.
    """

    scripts: dict[type[Request], Sequence[Step]] = field(default_factory=dict)
    asked: list[Request] = field(default_factory=list)
    configured: list[Configure] = field(default_factory=list)
    commands: list[str | None] = field(default_factory=list)
    stops: int = 0
    on_event: Callable[[Event], None] = lambda event: None

    async def start(
        self,
        configure: Configure,
        log: Path,
        on_event: Callable[[Event], None],
        on_state: OnState,
        *,
        revive: bool,
        command: str | None,
    ) -> ScriptedEngine:
        """Stand in for `Engine.start`."""
        self.configured.append(configure)
        self.commands.append(command)
        self.on_event = on_event
        return self

    async def request(self, body: Request) -> AsyncGenerator[Event, None]:
        """Play the script; what follows a signal never comes."""
        if isinstance(body, Tokenize) and Tokenize not in self.scripts:
            yield Tokens(model=body.model, tokens=[], unknown=0.0, foreign=0.0)
            return
        self.asked.append(body)
        for step in self.scripts[type(body)]:
            await asyncio.sleep(0)
            if isinstance(step, signal.Signals):
                os.kill(os.getpid(), step)
                await asyncio.Event().wait()
            elif isinstance(step, ModelState | Ready):
                self.on_event(step)
            else:
                yield step

    async def stop(self) -> None:
        """Count."""
        self.stops += 1

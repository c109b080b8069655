"""What is fetched, loaded or removed on a person's word. It goes on when the screen is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

from engine.client import Answer
from engine.messages import Done, Error, Load, Pull, Remove, Unload
from tui.connection.link import Link
from tui.strings import text

Errand = Load | Pull | Remove | Unload
Severity = Literal["information", "warning", "error"]
Tell = Callable[[str, Severity], None]


class Errands:
    """Runs errands side by side, one of a kind for a model, and tells how each ended."""

    def __init__(self, link: Link, tell: Tell) -> None:
        self._link = link
        self._tell = tell
        self._live: dict[tuple[type[Errand], str], asyncio.Task[None]] = {}
        self._answers: dict[tuple[type[Errand], str], Answer] = {}

    def start(self, request: Errand) -> bool:
        """Begin; False where the very same is under way already."""
        key = (type(request), request.model)
        if key in self._live:
            return False
        self._live[key] = asyncio.create_task(self._run(request))
        return True

    def stop(self, model: str) -> bool:
        """Stop what is under way for a model; False if there was nothing."""
        answers = [answer for (_, name), answer in self._answers.items() if name == model]
        for answer in answers:
            answer.cancel()
        return bool(answers)

    def pulling(self, model: str) -> bool:
        """Whether a model is on its way here."""
        return (Pull, model) in self._live

    async def _run(self, request: Errand) -> None:
        key = (type(request), request.model)
        try:
            try:
                answer = self._answers[key] = await self._link.request(request)
                async with aclosing(answer) as events:
                    async for event in events:
                        self._judge(request, event)
            finally:
                self._answers.pop(key, None)
                del self._live[key]
            await self._link.refresh()  # who hears of it finds the errand over
        except OSError as error:
            self._tell(text("errands.no_engine", reason=error.strerror or error), "error")

    def _judge(self, request: Errand, event: object) -> None:
        """Tell the end of an errand, good or bad."""
        title = self._link.title(request.model)
        if isinstance(event, Error):
            self._tell(" ".join(filter(None, (event.message, event.hint))), "error")
        elif isinstance(event, Done):
            stopped = event.finish == "cancelled"
            name = "stopped" if stopped else type(request).__name__.lower()
            self._tell(text(f"errands.{name}", model=title), "information")

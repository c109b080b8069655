"""Pulls, loads and removals that the user asked for. They go on when the screen is closed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from typing import Literal

from engine.client import Answer
from engine.messages import Done, Error, Load, Pull, Remove, Unload
from tui.connection.link import Link
from tui.files import system_errors
from tui.strings import text, worded

ModelJob = Load | Pull | Remove | Unload
Severity = Literal["information", "warning", "error"]
Notify = Callable[[str, Severity], None]


class ModelJobs:
    """Runs jobs side by side, at most one of each kind per model, and reports how each ended."""

    def __init__(self, link: Link, notify: Notify) -> None:
        self._link = link
        self._notify = notify
        self._live: dict[tuple[type[ModelJob], str], asyncio.Task[None]] = {}
        self._answers: dict[tuple[type[ModelJob], str], Answer] = {}

    def start(self, request: ModelJob) -> bool:
        """Start a job; return False if the same one is already running."""
        key = (type(request), request.model)
        if key in self._live:
            return False
        self._live[key] = asyncio.create_task(self._run(request))
        return True

    def stop(self, model: str) -> bool:
        """Cancel a model's jobs; return False if there were none."""
        answers = [answer for (_, name), answer in self._answers.items() if name == model]
        for answer in answers:
            answer.cancel()
        return bool(answers)

    def pulling(self, model: str) -> bool:
        """Whether a model is being pulled."""
        return (Pull, model) in self._live

    async def _run(self, request: ModelJob) -> None:
        key = (type(request), request.model)
        try:
            try:
                answer = self._answers[key] = await self._link.request(request)
                async with aclosing(answer) as events:
                    async for event in events:
                        self._report_end(request, event)
            finally:
                self._answers.pop(key, None)
                del self._live[key]
            await self._link.refresh()  # after the job's end, so that listeners see it as finished
        except OSError as error:
            self._notify(text("model_jobs.no_engine", reason=system_errors.reason(error)), "error")

    def _report_end(self, request: ModelJob, event: object) -> None:
        """Report success, cancellation or failure."""
        title = self._link.title(request.model)
        if isinstance(event, Error):
            self._notify(worded(event.message, event.hint), "error")
        elif isinstance(event, Done):
            stopped = event.finish == "cancelled"
            name = "stopped" if stopped else type(request).__name__.lower()
            self._notify(text(f"model_jobs.{name}", model=title), "information")

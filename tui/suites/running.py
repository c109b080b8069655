"""A suite that the app scores: it goes on while other things are done, and can be stopped."""

from __future__ import annotations

import asyncio
import uuid
from contextlib import aclosing
from typing import Literal

from engine.client import Answer
from engine.messages import Done, Error, PrecisionChoice, ScoredBy, TextScore
from tui.analysis.fit import LIMIT, unknown
from tui.connection.services import Services
from tui.files import system_errors
from tui.strings import text, worded
from tui.suites import results
from tui.suites.asking import Asking
from tui.suites.reading import NamedSuite
from tui.suites.results import SuiteDocument, SuiteItem
from tui.suites.suite import ItemName
from tui.terminal.forecast import Forecast

AT_ONCE = 1000
"""Items of one request: many enough to find others of their length."""
SAMPLE = 20
"""Items that show the language of all."""

Status = Literal["running", "stopped", "failed", "done"]


class SuiteRun:
    """One suite under one model, with the items that are scored so far."""

    def __init__(
        self, shared: Services, named: NamedSuite, model: str, precision: PrecisionChoice
    ) -> None:
        self.named = named
        self.model = model
        self.precision = precision
        self.status: Status = "stopped"
        self.message = ""
        """Why it failed, or what is to be known of all figures."""
        self.scored: dict[ItemName, SuiteItem] = {}
        self.errors = list(named.suite.problems)
        self.by: ScoredBy | None = None
        """What scored the items, once it has answered."""
        self.place = 0
        """The item that was looked at last, by its place in the suite."""
        self._shared = shared
        self._id = uuid.uuid4().hex
        self._forecast = Forecast()
        self._answer: Answer | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def causal(self) -> bool:
        """Whether the model reads from left to right; True until it is listed, as it may."""
        info = self._shared.link.models.get(self.model)
        return info is None or "causal" in info.heads

    @property
    def items(self) -> list[SuiteItem]:
        """The scored items, in the suite's order."""
        found = (self.scored.get(item.name) for item in self.named.suite.items)
        return [item for item in found if item is not None]

    @property
    def document(self) -> SuiteDocument:
        """The results so far."""
        return results.document(self.named.suite, self.model, self.items, self.errors)

    def progress(self) -> str:
        """How many items are scored, and the time that is left as far as it is clear."""
        return self._forecast.count(len(self.scored), len(self.named.suite.items))

    def start(self) -> None:
        """Score the items that are not scored yet, unless the model does not suit the suite."""
        if self.status == "running":
            return
        if not self.causal and self.named.suite.left_to_right:
            refusal = text("suites.masked", model=self.model)
            self.status, self.message = "failed", f"{refusal}. {text('suites.masked_hint')}."
            return
        self.status, self.message = "running", ""
        self.errors = list(self.named.suite.problems)
        self._forecast = Forecast()
        self._shared.running.add(self._id)
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Stop, and keep the items that are scored."""
        if self.status == "running":
            self.status = "stopped"
            if self._answer is not None:
                self._answer.cancel()

    async def _run(self) -> None:
        missing = [each for each in self.named.suite.items if each.name not in self.scored]
        try:
            await self._try_language()
            for first in range(0, len(missing), AT_ONCE):
                part = missing[first : first + AT_ONCE]
                await self._ask(Asking(self.named.suite, part, self.model, self.precision))
            if self.status == "running":
                self.status = "done"
        except OSError as error:
            self._fail(text("notice.no_engine", reason=system_errors.reason(error)))
        finally:
            self._answer = None
            self._shared.running.discard(self._id)

    async def _try_language(self) -> None:
        """Note it where the model does not know the language of the sentences."""
        sentences = (
            sentence.text
            for item in self.named.suite.items[:SAMPLE]
            for sentence in item.conditions.values()
        )
        share = await unknown(self._shared.link, self.model, " ".join(sentences))
        if share >= LIMIT:
            self.message = text("suites.unknown", share=f"{share:.0%}", model=self.model)

    async def _ask(self, asking: Asking) -> None:
        if self.status != "running":
            return
        self._answer = await self._shared.link.request(asking.request)
        if self.status != "running":  # it was stopped while the engine started
            self._answer.cancel()
        async with aclosing(self._answer) as events:
            async for event in events:
                match event:
                    case ScoredBy():
                        self.by = event
                        if event.method == "causal" and event.start is None:
                            self.message = text("suites.no_start", model=self.model)
                    case TextScore():
                        self._take(asking.take(event))
                    case Error():
                        self._fail(worded(event.message, event.hint))
                    case Done(finish="cancelled") if self.status == "running":
                        self.status = "stopped"

    def _take(self, found: SuiteItem | str | None) -> None:
        if isinstance(found, str):
            self.errors.append(found)
        elif found is not None:
            self.scored[found.item] = found

    def _fail(self, message: str) -> None:
        self.status, self.message = "failed", message

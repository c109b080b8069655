"""The app's side of the session file: nothing here waits for a disk on the event loop."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

from tui.cards import Card, Pane
from tui.drafts import Draft
from tui.history.database import Database
from tui.history.records import Session, Snapshot, Summary, token_counts

_P = ParamSpec("_P")
_T = TypeVar("_T")


class History:
    """Saves the current session and finds earlier ones.

    What is to be saved is taken down at the call and written by one thread of its own, in order;
    reading waits for what was saved before. What the disk refuses is told to `on_problem` on the
    event loop, once for each different complaint, and the app goes on without.
    """

    def __init__(self, on_problem: Callable[[str], None]) -> None:
        self.session = _new_id()
        """The id of the current session, which is in the file once something is saved in it."""
        self._on_problem = on_problem
        self._told: set[str] = set()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._loop = asyncio.get_running_loop()
        self._database: Database
        self._saved: dict[str, list[int]] = {}
        """For each card, how many tokens of each branch have been handed to the thread."""
        self._drafts: dict[Pane, Draft] = {}

    @classmethod
    async def open(cls, path: Path, on_problem: Callable[[str], None]) -> History:
        """Open the file, or a new one where it is broken, or none where there can be none."""
        history = cls(on_problem)
        history._database = await asyncio.wrap_future(history._thread.submit(Database, path))
        if history._database.problem:
            history._complain(history._database.problem)
        return history

    # ------------------------------------------------------------------------- saving

    def save_card(self, card: Card) -> None:
        """Save a card as it stands; call it whenever it gained something."""
        saved = self._saved.get(card.id, [])
        counts = token_counts(card)
        afresh = len(counts) < len(saved) or any(
            now < before for now, before in zip(counts, saved, strict=False)
        )
        snapshot = Snapshot.of(card, [] if afresh else saved)
        self._saved[card.id] = counts
        self._write(self._database.save_card, self.session, snapshot, afresh)

    def save_draft(self, pane: Pane, draft: Draft) -> None:
        """Save what stands in a pane's composer."""
        if self._drafts.get(pane) != draft:
            self._drafts[pane] = draft
            self._write(self._database.save_draft, self.session, pane, draft)

    def delete_card(self, card_id: str) -> None:
        """Delete a card; `restore_card` brings it back until the app ends."""
        self._write(self._database.mark_card, card_id, True)

    def restore_card(self, card_id: str) -> None:
        """Bring a deleted card back."""
        self._write(self._database.mark_card, card_id, False)

    def choose(self, name: str, value: str) -> None:
        """Remember something that was chosen in the app, such as the theme."""
        self._write(self._database.choose, name, value)

    # ----------------------------------------------------------------------- sessions

    def start(self) -> None:
        """Begin a new session."""
        self._turn_to(_new_id())
        self._write(self._database.release)

    async def resume(self) -> Session | None:
        """Go on with the session used last, unless there is none that is free."""
        latest = await self._ask(None, self._database.latest)
        return None if latest is None else await self.reopen(latest)

    async def reopen(self, session: str) -> Session | None:
        """Go on with a session; None when it cannot be read."""
        found = await self.read(session)
        if found is not None:
            self._turn_to(session)
            self._drafts = dict(found.drafts)
            self._saved = {card.id: token_counts(card) for card in found.cards}
            self._write(self._database.hold, session)
        return found

    async def read(self, session: str) -> Session | None:
        """A session's content, to show or export it."""
        return await self._ask(None, self._database.session, session)

    async def sessions(self, query: str = "") -> list[Summary]:
        """Sessions, the latest first; with a query, those with that text in them."""
        return await self._ask([], self._database.sessions, query)

    async def prompts(self, pane: Pane, limit: int = 500) -> list[str]:
        """What was sent in a pane, in any session: each text once, the latest first."""
        return await self._ask([], self._database.prompts, pane, limit)

    async def choices(self) -> dict[str, str]:
        """Everything remembered by `choose`."""
        return await self._ask({}, self._database.choices)

    def rename(self, session: str, name: str) -> None:
        """Give a session another name."""
        self._write(self._database.rename, session, name)

    def delete(self, session: str) -> None:
        """Delete a session; `restore` brings it back until the app ends."""
        self._write(self._database.mark_session, session, True)

    def restore(self, session: str) -> None:
        """Bring a deleted session back."""
        self._write(self._database.mark_session, session, False)

    async def close(self) -> None:
        """Write what is still to be written and close the file."""
        await self._ask(None, self._database.close)
        self._thread.shutdown()

    # ------------------------------------------------------------------------ helpers

    def _turn_to(self, session: str) -> None:
        self.session = session
        self._drafts.clear()
        self._saved.clear()

    def _write(self, job: Callable[_P, None], *args: _P.args, **kwargs: _P.kwargs) -> None:
        self._thread.submit(job, *args, **kwargs).add_done_callback(self._written)

    def _written(self, job: Future[None]) -> None:
        """Called in the thread when a write is over."""
        error = job.exception()
        if isinstance(error, sqlite3.Error):
            self._loop.call_soon_threadsafe(self._complain, str(error))
        elif error is not None:
            raise error

    async def _ask(
        self, otherwise: _T, job: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        try:
            return await asyncio.wrap_future(self._thread.submit(job, *args, **kwargs))
        except sqlite3.Error as error:
            self._complain(str(error))
            return otherwise

    def _complain(self, problem: str) -> None:
        if problem not in self._told:
            self._told.add(problem)
            self._on_problem(problem)


def _new_id() -> str:
    return uuid.uuid4().hex

"""The app's side of the session file: nothing here waits for a disk on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import uuid
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from tui.cards import Card, Pane
from tui.cards.drafts import Draft
from tui.files import system_errors
from tui.history.database import Database
from tui.history.records import Session, Snapshot, Summary, token_counts
from tui.history.session_file import Gone
from tui.strings import text

_P = ParamSpec("_P")
_T = TypeVar("_T")

RETRY_S = 0.25
"""Seconds before a failed write is tried again; doubled each time after that."""
LONGEST_S = 5.0

_REASONS = {
    sqlite3.SQLITE_FULL: "full",
    sqlite3.SQLITE_BUSY: "busy",
    sqlite3.SQLITE_LOCKED: "busy",
    sqlite3.SQLITE_READONLY: "readonly",
    sqlite3.SQLITE_CANTOPEN: "readonly",
    sqlite3.SQLITE_IOERR: "io",
}
"""The names of the disk's errors in the texts."""


@dataclass
class _Place:
    """The session that something belongs to, which is settled only when the file is open."""

    session: str


class History:
    """Saves the current session and finds earlier ones.

    What is to be saved waits in order, and counts as saved only when it is in the file: what the
    disk refuses is tried again until it is taken, from the state that there is by then. All of it
    can be called before `open`. Reading waits for what was saved before.
    """

    def __init__(self, path: Path, report: Callable[[str], None]) -> None:
        """`report` is called on the event loop with a message for the user."""
        self.unsaved = ""
        """Why something is not in the file yet and what to do about it; nothing once it is."""
        self._path = path
        self._report = report
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._place = _Place(uuid.uuid4().hex)
        self.begun = False
        """Whether a new session was begun."""
        self._database: Database | None = None
        self._writer: asyncio.Task[None] | None = None
        self._closing = False
        self._wake = asyncio.Event()
        """Set when the writer need not wait any longer."""
        self._quiet = asyncio.Event()
        """Set while nothing waits, or what waits cannot be written."""
        self._quiet.set()
        self._pending: dict[tuple[str, ...], Callable[[], Awaitable[None]]] = {}
        """What is to be written, in order; under the same key, the latest in the oldest's place."""
        self._homes: dict[str, _Place] = {}
        """For each card, its session: one that runs may be saved after another was begun."""
        self._cards: dict[str, Card] = {}
        """Those of the current session, which are saved again where the file is lost."""
        self._drafts: dict[Pane, Draft] = {}
        self._saved: dict[str, list[int]] = {}
        """For each card, how many tokens of each branch are in the file."""
        self._written: dict[str, bytes] = {}
        """For each card, what is in the file of it beside its tokens."""
        self._deleted: set[str] = set()
        """The cards that were deleted and can come back."""
        self.chosen: dict[str, str] = {}
        """Everything stored by `choose`, once the file is open."""

    @property
    def session(self) -> str:
        """The id of the current session, which is in the file once something is saved in it."""
        return self._place.session

    async def open(self, *, resume: bool = False) -> Session | None:
        """Open the file, and with `resume` the session used last, which is returned.

        What was saved before this belongs to that session then, but for the drafts: which of the
        two is to stay is for the caller to say, by `save_draft`, before anything else is awaited.
        """
        self._database = await asyncio.wrap_future(self._thread.submit(Database, self._path))
        if self._database.problem:
            self._report(self._database.problem)
        self._notice(self._database.refused)
        self.chosen = await self._ask({}, Database.choices) | self.chosen
        latest = await self._ask(None, Database.latest) if resume else None
        found = None if latest is None else await self.read(latest)
        if self.begun:
            found = None
        elif found is not None:
            self._go_on_with(found)
        self._writer = asyncio.create_task(self._write(), name="history")
        return found

    # ------------------------------------------------------------------------- saving

    def save_card(self, card: Card) -> None:
        """Save a card as it is when it is written; call it whenever it gained something."""
        home = self._homes.setdefault(card.id, self._place)
        if home is self._place:
            self._cards[card.id] = card
        self._later(("card", card.id), partial(self._save_card, home, card))

    async def _save_card(self, place: _Place, card: Card) -> None:
        saved, counts = self._saved.get(card.id), token_counts(card)
        afresh = (
            saved is None
            or len(counts) < len(saved)
            or any(now < before for now, before in zip(counts, saved, strict=False))
        )
        snapshot = Snapshot.of(card, [] if afresh or saved is None else saved)
        if afresh or snapshot.data != self._written.get(card.id):
            await self._do(Database.save_card, place.session, snapshot, afresh)
            self._written[card.id] = snapshot.data
        else:  # it has only grown
            await self._do(Database.save_chunks, place.session, snapshot)
        self._saved[card.id] = counts

    def save_draft(self, pane: Pane, draft: Draft) -> None:
        """Save what is in a pane's composer."""
        if self._drafts.get(pane) != draft:
            self._drafts[pane] = draft
            self._later(
                ("draft", self.session, pane), partial(self._save_draft, self._place, pane, draft)
            )

    async def _save_draft(self, place: _Place, pane: Pane, draft: Draft) -> None:
        await self._do(Database.save_draft, place.session, pane, draft)

    def delete_card(self, card_id: str) -> None:
        """Delete a card; `restore_card` brings it back until the app ends."""
        self._deleted.add(card_id)
        self._later(("mark", card_id), partial(self._do, Database.mark_card, card_id, True))

    def restore_card(self, card_id: str) -> None:
        """Bring a deleted card back."""
        self._deleted.discard(card_id)
        self._later(("mark", card_id), partial(self._do, Database.mark_card, card_id, False))

    def choose(self, name: str, value: str) -> None:
        """Remember something that was chosen in the app, such as the theme."""
        self.chosen[name] = value
        self._later(("choice", name), partial(self._do, Database.choose, name, value))

    # ----------------------------------------------------------------------- sessions

    def start(self) -> None:
        """Begin a new session; before the file is open, have none resumed."""
        self.begun = True
        if not self.opened:
            return
        self._turn_to(uuid.uuid4().hex)
        self._later(("hold",), partial(self._do, Database.release))

    async def resume(self) -> Session | None:
        """Go on with the session used last, unless there is none that is free."""
        latest = await self._ask(None, Database.latest)
        return None if latest is None else await self.reopen(latest)

    async def reopen(self, session: str) -> Session | None:
        """Go on with a session; None when it cannot be read."""
        found = await self.read(session)
        if found is not None:
            self._go_on_with(found)
        return found

    def _go_on_with(self, found: Session) -> None:
        self._turn_to(found.id)
        self._drafts = dict(found.drafts)
        for card in found.cards:
            self._cards[card.id], self._homes[card.id] = card, self._place
        self._saved |= {
            card.id: token_counts(card) for card in found.cards if card.id not in found.mended
        }
        self._later(("hold",), partial(self._do, Database.hold, found.id))

    async def read(self, session: str) -> Session | None:
        """A session's content, to show or export it."""
        return await self._ask(None, Database.session, session)

    async def sessions(self, query: str = "") -> list[Summary]:
        """Sessions, the latest first; with a query, those with that text in them."""
        return await self._ask([], Database.sessions, query)

    async def prompts(self, pane: Pane, limit: int = 500) -> list[str]:
        """What was sent in a pane, in any session: each text once, the latest first."""
        return await self._ask([], Database.prompts, pane, limit)

    def rename(self, session: str, name: str) -> None:
        """Give a session another name."""
        self._later(("name", session), partial(self._do, Database.rename, session, name))

    def delete(self, session: str) -> None:
        """Delete a session; `restore` brings it back until the app ends."""
        self._later(("mark", session), partial(self._do, Database.mark_session, session, True))

    def restore(self, session: str) -> None:
        """Bring a deleted session back."""
        self._later(("mark", session), partial(self._do, Database.mark_session, session, False))

    async def close(self) -> None:
        """Write what is still to be written, once, and close the file; see `unsaved`."""
        self._closing = True
        self._wake.set()
        if self._writer is not None:
            await self._writer
            if await self._ask(False, Database.gone):  # since the last write
                await self._do(Database.reopen)
                self._save_anew()
                await self._writer
            await self._ask(None, Database.close)
        self._thread.shutdown()

    # ------------------------------------------------------------------------ helpers

    @property
    def opened(self) -> bool:
        """Whether the file, or memory in its place, can be read."""
        return self._writer is not None

    def _turn_to(self, session: str) -> None:
        """Make another session the current one; what waits stays with its own."""
        if self.opened:
            self._place = _Place(session)
            self._cards.clear()
            self._saved.clear()
            self._written.clear()
            self._deleted.clear()
        else:
            self._place.session = session
            for key in [key for key in self._pending if key[0] == "draft"]:
                del self._pending[key]
        self._drafts.clear()

    def _later(self, key: tuple[str, ...], write: Callable[[], Awaitable[None]]) -> None:
        self._pending[key] = write
        if not self.unsaved or self._in_memory:
            self._quiet.clear()
            self._wake.set()
        if self._writer is not None and self._writer.done():
            self._writer = asyncio.create_task(self._write(), name="history")

    @property
    def _in_memory(self) -> bool:
        """Whether memory has taken the place of the file."""
        return self._database is not None and self._database.refused is not None

    async def _write(self) -> None:
        """Write all that waits, and try as often as it takes."""
        wait = RETRY_S
        while self._pending or self._in_memory:
            try:
                if self._pending:
                    await self._write_next()
                elif await self._pause(wait):
                    continue
                else:
                    await self._do(Database.settle)
                    self._save_anew()
            except Gone:
                await self._do(Database.reopen)
                self._save_anew()
                await self._pause(wait)
            except (sqlite3.Error, OSError) as error:
                self._notice(error)
                if self._closing:
                    return
                if self._pending:
                    await self._pause(wait)
            else:
                wait = RETRY_S
                continue
            wait = min(2 * wait, LONGEST_S)
        self._notice(None)

    async def _write_next(self) -> None:
        """Write the first thing that waits; where that fails, it is the first again."""
        key = next(iter(self._pending))
        write = self._pending.pop(key)
        try:
            await write()
        except (sqlite3.DataError, sqlite3.IntegrityError, ValueError, OverflowError) as error:
            self._report(text("history.never", reason=error))  # no disk will ever take it
        except (sqlite3.Error, OSError, Gone):
            later = self._pending
            self._pending = {key: later.pop(key, write)} | later
            raise
        if not self._pending:
            self._quiet.set()

    async def _pause(self, seconds: float) -> bool:
        """Wait, but for something that can be done at once: True if there is."""
        self._wake.clear()
        if not self._closing and not (self._in_memory and self._pending):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), seconds)
        return bool(self._pending)

    def _save_anew(self) -> None:
        """Save all of the current session again: the file is another one."""
        database = self._database
        assert database is not None
        if database.problem:
            self._report(database.problem)
        self._notice(database.refused)
        self._saved.clear()
        for card in list(self._cards.values()):
            self.save_card(card)
        for card_id in self._deleted:
            self._pending.pop(("mark", card_id), None)
            self.delete_card(card_id)
        drafts, self._drafts = self._drafts, {}
        for pane, draft in drafts.items():
            self.save_draft(pane, draft)

    async def _do(
        self, job: Callable[Concatenate[Database, _P], _T], *args: _P.args, **kwargs: _P.kwargs
    ) -> _T:
        """Run a function on the file in its thread."""
        database = self._database
        assert database is not None  # before `open`, nothing is asked of it
        return await asyncio.wrap_future(self._thread.submit(job, database, *args, **kwargs))

    async def _ask(
        self,
        otherwise: _T,
        job: Callable[Concatenate[Database, _P], _T],
        *args: _P.args,
        **kwargs: _P.kwargs,
    ) -> _T:
        if self.opened:
            await self._quiet.wait()
        try:
            return await self._do(job, *args, **kwargs)
        except (sqlite3.Error, Gone) as error:
            self._report(text("history.unread", reason=_reason(error, self._path)))
            return otherwise

    def _notice(self, error: Exception | None) -> None:
        """Report that something cannot be saved, or that all of it is."""
        self._quiet.set()
        unsaved = "" if error is None else _reason(error, self._path)
        if unsaved != self.unsaved:
            self.unsaved = unsaved
            message = text("history.unsaved", reason=unsaved) if unsaved else text("history.saved")
            self._report(message)


def _reason(error: Exception, path: Path) -> str:
    """What the disk refuses, and what to do about it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in _REASONS:
        return text(f"history.{_REASONS[code]}", path=path)
    reason = system_errors.reason(error) if isinstance(error, OSError) else str(error)
    return text("history.other", path=path, reason=reason)

"""Every statement that touches the session file.

Tokens are kept apart from their card, in chunks that are written once and never again: saving a
card that grows costs what is new, not what is there. A card whose process died comes back with all
the tokens that had been saved, marked as interrupted.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from msgspec import structs

from tui.cards import PANES, Card, ContinueCard, Pane
from tui.cards.drafts import Draft
from tui.history.holders import alive, process
from tui.history.records import (
    Session,
    Snapshot,
    Summary,
    Unreadable,
    card_decoder,
    decode,
    draft_decoder,
    encode,
    fold,
    join,
    snippet,
    storable,
    token_counts,
)
from tui.history.session_file import Gone, SessionFile

KEPT_S = 24 * 3600.0
"""Seconds for which something deleted can come back where the app ended before purging it."""


class Database(SessionFile):
    """All that is read from the session file and written to it.

    The process that has it open also holds the session that it writes to.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._me = process(os.getpid())
        self._doomed: set[tuple[str, str]] = set()
        """Table and id of what this process deleted: gone for good when it ends."""
        self._recover()

    def _recover(self) -> None:
        """Purge what was deleted long ago; close cards whose process ended before their answer."""
        with contextlib.suppress(sqlite3.Error):  # another start does it
            for table in ("sessions", "cards"):
                # Nothing is deleted before it is made: a wrong byte must not delete for good.
                self._write(
                    f"UPDATE {table} SET deleted = NULL WHERE deleted < created "
                    "OR typeof(deleted) NOT IN ('real', 'null')",
                    (),
                )
                self._write(f"DELETE FROM {table} WHERE deleted < ?", (time.time() - KEPT_S,))
            running = self._rows(
                "SELECT cards.id, session, holder FROM cards JOIN sessions "
                "ON session = sessions.id WHERE status = 'running'"
            )
            for card_id, session, holder in running.fetchall():
                found = None if alive(holder) else self._card(card_id)
                if found is not None:
                    card, whole = found
                    card.interrupt()
                    saved = token_counts(card) if whole else []
                    self.save_card(session, Snapshot.of(card, saved), not whole)

    # ------------------------------------------------------------------------- writing

    def save_card(self, session: str, card: Snapshot, afresh: bool = False) -> None:
        """Write a card and the tokens it gained; `afresh` forgets those saved before.

        Raises:
            Gone: the card is not in the file any more, nor what was saved of it before.
        """
        with self._transaction():
            self._touch(session)
            if not afresh:
                self._require(card.id)
            self._connection.execute(
                "INSERT INTO cards (id, session, pane, created, status, prompt, folded, data) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                "status = excluded.status, folded = excluded.folded, data = excluded.data",
                (
                    card.id,
                    session,
                    card.pane,
                    card.created,
                    card.status,
                    card.wrote,
                    card.folded,
                    card.data,
                ),
            )
            if afresh:
                self._connection.execute("DELETE FROM chunks WHERE card = ?", (card.id,))
            self._insert_chunks(card)

    def save_chunks(self, session: str, card: Snapshot) -> None:
        """Write the tokens that a card gained, where nothing else of it changed.

        Raises:
            Gone: as for `save_card`.
        """
        with self._transaction():
            self._touch(session)
            self._require(card.id)
            self._insert_chunks(card)

    def _insert_chunks(self, card: Snapshot) -> None:
        self._connection.executemany(
            "INSERT OR REPLACE INTO chunks (card, branch, start, data) VALUES (?, ?, ?, ?)",
            [(card.id, chunk.branch, chunk.start, chunk.data) for chunk in card.chunks],
        )

    def save_draft(self, session: str, pane: Pane, draft: Draft) -> None:
        """Write what is in a pane's composer."""
        with self._transaction():
            self._touch(session)
            self._connection.execute(
                "INSERT OR REPLACE INTO drafts (session, pane, text, data) VALUES (?, ?, ?, ?)",
                (session, pane, storable(draft.text), encode(draft)),
            )

    def mark_card(self, card_id: str, deleted: bool) -> None:
        """Delete a card so that it can come back, or bring it back."""
        self._mark("cards", card_id, deleted=deleted)

    def mark_session(self, session: str, deleted: bool) -> None:
        """Delete a session so that it can come back, or bring it back."""
        self._mark("sessions", session, deleted=deleted)

    def rename(self, session: str, name: str) -> None:
        """Give a session the user's own name."""
        self._write("UPDATE sessions SET name = ? WHERE id = ?", (storable(name), session))

    def choose(self, name: str, value: str) -> None:
        """Remember something that was chosen in the app."""
        self._write("INSERT OR REPLACE INTO choices (name, value) VALUES (?, ?)", (name, value))

    def hold(self, session: str) -> None:
        """Record that this process has this session open, and no other one."""
        self.release()
        self._write("UPDATE sessions SET holder = ? WHERE id = ?", (self._me, session))

    def release(self) -> None:
        """Record that this process has no session open."""
        self._write("UPDATE sessions SET holder = NULL WHERE holder = ?", (self._me,))

    def close(self) -> None:
        """Purge what was deleted, let the session go, and close the file."""
        try:
            for table, key in self._doomed:
                self._write(f"DELETE FROM {table} WHERE id = ?", (key,))
            self.release()
        finally:
            super().close()

    # ------------------------------------------------------------------------- reading

    def sessions(self, query: str = "") -> list[Summary]:
        """Sessions with anything in them, the latest first; with a query, those that hold it."""
        where, values, needle = "", [], fold(query)
        if query:
            where = (
                "AND (instr(folded(name), ?) OR EXISTS (SELECT 1 FROM cards WHERE "
                "session = sessions.id AND deleted IS NULL AND instr(folded, ?)) OR EXISTS "
                "(SELECT 1 FROM drafts WHERE session = sessions.id AND instr(folded(text), ?)))"
            )
            values = [needle] * 3
        rows = self._rows(
            f"""
            SELECT id, name, created, updated, holder,
                (SELECT count(*) FROM cards WHERE session = sessions.id AND deleted IS NULL),
                (SELECT prompt FROM cards WHERE session = sessions.id AND deleted IS NULL
                    ORDER BY created LIMIT 1),
                (SELECT text FROM drafts WHERE session = sessions.id AND text != '' LIMIT 1)
            FROM sessions WHERE deleted IS NULL {where} ORDER BY updated DESC, id
            """,
            values,
        )
        found = [
            Summary(
                id=str(session),
                name=str(name or prompt or draft or ""),
                created=_seconds(created),
                updated=_seconds(updated),
                cards=cards,
                held=holder != self._me and alive(holder),
            )
            for session, name, created, updated, holder, cards, prompt, draft in rows
            if cards or draft
        ]
        return [self._with_hit(summary, needle) for summary in found] if query else found

    def _with_hit(self, summary: Summary, needle: str) -> Summary:
        """A session with the first of its cards that holds a text."""
        row = self._rows(
            "SELECT id, folded FROM cards WHERE session = ? AND deleted IS NULL "
            "AND instr(folded, ?) ORDER BY created LIMIT 1",
            (summary.id, needle),
        ).fetchone()
        if row is None:
            return summary
        return structs.replace(summary, hit=str(row[0]), snippet=snippet(str(row[1]), needle))

    def latest(self) -> str | None:
        """The session used last that no running app has open."""
        return next((session.id for session in self.sessions() if not session.held), None)

    def session(self, session: str) -> Session | None:
        """All of one session; None when there is no such one."""
        row = self._rows("SELECT name, created FROM sessions WHERE id = ?", (session,)).fetchone()
        if row is None:
            return None
        found = Session(session, str(row[0]), _seconds(row[1]))
        for pane, written, data in self._rows(
            "SELECT pane, text, data FROM drafts WHERE session = ?", (session,)
        ):
            if pane not in PANES:
                found.unreadable += 1
                continue
            try:
                found.drafts[pane] = decode(draft_decoder, data)
            except Unreadable:
                found.unreadable += 1
                found.drafts[pane] = Draft(model="", text=str(written))
        texts: dict[str, ContinueCard] = {}
        for (card_id,) in self._rows(
            "SELECT id FROM cards WHERE session = ? AND deleted IS NULL ORDER BY created, rowid",
            (session,),
        ):
            read = self._card(card_id)
            if read is None:
                found.unreadable += 1
                continue
            card, whole = read
            if not whole:
                found.mended.add(card.id)
            if isinstance(card, ContinueCard) and card.origin is not None:
                card.graft(texts.get(card.origin.card))
            if isinstance(card, ContinueCard):
                texts[card.id] = card
            found.cards.append(card)
        return found

    def prompts(self, pane: Pane, limit: int) -> list[str]:
        """What was sent in a pane, in any session: each text once, the latest first."""
        rows = self._rows(
            "SELECT prompt FROM cards WHERE pane = ? AND deleted IS NULL AND prompt != '' "
            "GROUP BY prompt ORDER BY max(created) DESC LIMIT ?",
            (pane, limit),
        )
        return [str(prompt) for (prompt,) in rows]

    def choices(self) -> dict[str, str]:
        """Everything remembered by `choose`."""
        return {str(name): str(value) for name, value in self._rows("SELECT * FROM choices")}

    # ------------------------------------------------------------------------- helpers

    def _card(self, card_id: str) -> tuple[Card, bool] | None:
        """A card with its own tokens, and whether it has all of them; None if it is unreadable."""
        row = self._rows("SELECT data FROM cards WHERE id = ?", (card_id,)).fetchone()
        chunks = self._rows(
            "SELECT branch, start, data FROM chunks WHERE card = ? ORDER BY branch, start",
            (card_id,),
        )
        try:
            card = decode(card_decoder, row[0])
            card.id = card_id  # by which its tokens were found
            _ = card.wrote, card.answer  # which a wrong byte may have made impossible to compute
        except (Unreadable, LookupError, TypeError, ValueError, OverflowError):
            return None
        return card, join(card, chunks) if isinstance(card, ContinueCard) else True

    def _require(self, card_id: str) -> None:
        """Raise `Gone` if a card is not in the file."""
        if self._rows("SELECT 1 FROM cards WHERE id = ?", (card_id,)).fetchone() is None:
            raise Gone

    def _touch(self, session: str) -> None:
        """Ensure that the session is there, held by this process, and note the time."""
        now = time.time()
        self._connection.execute(
            "INSERT INTO sessions (id, created, updated, holder) VALUES (?, ?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET updated = excluded.updated",
            (session, now, now, self._me),
        )

    def _mark(self, table: str, key: str, *, deleted: bool) -> None:
        self._write(
            f"UPDATE {table} SET deleted = ? WHERE id = ?", (time.time() if deleted else None, key)
        )
        (self._doomed.add if deleted else self._doomed.discard)((table, key))


def _seconds(value: object) -> float:
    """A time that can be shown."""
    return float(value) if isinstance(value, int | float) and 0 <= value < 1e11 else 0.0

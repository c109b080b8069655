"""Carrying over into a new session file all that can be read in a damaged one."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from engine.messages import Continue
from tui.cards import PANES, ContinueCard
from tui.history.pages import Value, rows
from tui.history.records import Unreadable, card_decoder, decode, encode

_DOUBT = 4
"""Ids that differ in at most this many characters are one id, damaged."""


@dataclass
class _Found:
    """Rows by their keys, each as it is in its table."""

    sessions: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    cards: dict[str, tuple[Value, ...]] = field(default_factory=dict)
    drafts: dict[tuple[str, str], tuple[Value, ...]] = field(default_factory=dict)
    chunks: dict[tuple[str, int, int], bytes] = field(default_factory=dict)
    choices: dict[str, str] = field(default_factory=dict)


def salvage(damaged: Path, into: sqlite3.Connection) -> int:
    """Copy what can be read into a database with empty tables; return how many cards.

    A card whose session is lost gets one of its own, and tokens whose card is lost get a card.

    Raises:
        OSError: the damaged file cannot be read at all.
        sqlite3.Error: the new one cannot be written.
    """
    found = _read(damaged)
    _bring_home(found)
    with into:
        into.executemany(
            "INSERT OR IGNORE INTO sessions VALUES (?, ?, ?, ?, ?, ?)", found.sessions.values()
        )
        into.executemany(
            "INSERT OR IGNORE INTO cards VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", found.cards.values()
        )
        into.executemany("INSERT OR IGNORE INTO drafts VALUES (?, ?, ?, ?)", found.drafts.values())
        into.executemany("INSERT OR IGNORE INTO choices VALUES (?, ?)", found.choices.items())
        into.executemany(
            "INSERT OR IGNORE INTO chunks VALUES (?, ?, ?, ?)",
            [(*key, data) for key, data in found.chunks.items()],
        )
    return len(found.cards)


def _read(damaged: Path) -> _Found:
    """Sort the rows into their tables by their shape."""
    found, now = _Found(), time.time()
    for of_table, row in rows(damaged):
        match of_table, row:
            case True, [
                str(key),
                str(session),
                pane,
                created,
                status,
                str(prompt),
                folded,
                data,
                deleted,
            ]:
                found.cards[key] = (
                    key,
                    session,
                    _text(pane),
                    _number(created, now),
                    _text(status),
                    prompt,
                    _text(folded),
                    data if isinstance(data, bytes) else b"",
                    _number(deleted, None),
                )
            case True, [str(key), name, created, updated, deleted, _]:
                found.sessions[key] = (
                    key,
                    _text(name),
                    _number(created, now),
                    _number(updated, now),
                    _number(deleted, None),
                    None,
                )
            case False, [str(card), int(branch), int(start), bytes(data)]:
                found.chunks[card, branch, start] = data
            case False, [str(session), str(pane), str(written), data]:
                data = data if isinstance(data, bytes) else b""
                found.drafts[session, pane] = (session, pane, written, data)
            case False, [str(name), str(value)]:
                found.choices[name] = value
            case _:
                pass  # an index, or nonsense
    return found


def _bring_home(found: _Found) -> None:
    """Give every row the session or the card that it belongs to."""
    owners = {card for card, _, _ in found.chunks}
    for card, row in list(found.cards.items()):
        own = _own_id(row)
        if own in owners and card not in owners and own not in found.cards:
            found.cards[own] = (own, *found.cards.pop(card)[1:])
    for (card, *place), data in list(found.chunks.items()):
        if card not in found.cards:
            branch, start = place
            home = _nearest(card, found.cards) or _stub(found, card)
            del found.chunks[card, branch, start]
            found.chunks.setdefault((home, branch, start), data)
    for card, row in found.cards.items():
        found.cards[card] = (row[0], _session(found, str(row[1])), *row[2:])
    for (session, pane), row in list(found.drafts.items()):
        del found.drafts[session, pane]
        at = _session(found, session), _nearest(pane, PANES) or PANES[0]
        found.drafts.setdefault(at, (*at, *row[2:]))


def _own_id(row: tuple[Value, ...]) -> str:
    """The id that is written within a card; nothing where it cannot be read."""
    try:
        return decode(card_decoder, row[7]).id
    except Unreadable:
        return ""


def _stub(found: _Found, card_id: str) -> str:
    """A card for tokens that have lost theirs, in the session used last."""
    latest = max(
        found.sessions, key=lambda key: _number(found.sessions[key][3], 0) or 0, default=""
    )
    card = ContinueCard(
        id=card_id, request=Continue(model="", prompt=""), prompt="", status="interrupted"
    )
    found.cards[card_id] = (
        card_id,
        latest or card_id,
        card.pane,
        card.created,
        card.status,
        "",
        "",
        encode(card),
        None,
    )
    return card_id


def _session(found: _Found, session: str) -> str:
    """The session of this id, or the one whose damaged id it is, or else a new one."""
    if session not in found.sessions:
        home = _nearest(session, found.sessions)
        if home is not None:
            return home
        now = time.time()
        found.sessions[session] = (session, "", now, now, None, None)
    return session


def _nearest(key: str, keys: Collection[str]) -> str | None:
    """The one key that this may be in spite of some wrong characters."""
    if key in keys:
        return key
    near = [
        other
        for other in keys
        if len(other) == len(key)
        and sum(a != b for a, b in zip(key, other, strict=True)) <= min(_DOUBT, len(key) // 2)
    ]
    return near[0] if len(near) == 1 else None


def _text(value: Value) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Value, otherwise: float | None) -> float | None:
    fits = isinstance(value, int | float) and 0 <= value < 1e11
    return float(value) if fits and isinstance(value, int | float) else otherwise

"""The tables of the session file, and opening it whatever state it is in."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from tui import paths
from tui.history.records import fold
from tui.strings import text

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, name TEXT NOT NULL DEFAULT '', created REAL NOT NULL,
        updated REAL NOT NULL, deleted REAL, holder TEXT
    );
    CREATE TABLE drafts (
        session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE, pane TEXT NOT NULL,
        text TEXT NOT NULL, data BLOB NOT NULL, PRIMARY KEY (session, pane)
    ) WITHOUT ROWID;
    CREATE TABLE cards (
        id TEXT PRIMARY KEY, session TEXT NOT NULL REFERENCES sessions ON DELETE CASCADE,
        pane TEXT NOT NULL, created REAL NOT NULL, status TEXT NOT NULL, prompt TEXT NOT NULL,
        folded TEXT NOT NULL, data BLOB NOT NULL, deleted REAL
    );
    CREATE INDEX cards_of_session ON cards (session, created);
    CREATE TABLE chunks (
        card TEXT NOT NULL REFERENCES cards ON DELETE CASCADE, branch INTEGER NOT NULL,
        start INTEGER NOT NULL, data BLOB NOT NULL, PRIMARY KEY (card, branch, start)
    ) WITHOUT ROWID;
    CREATE TABLE choices (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
    """,
)
"""One script a version of the schema; `PRAGMA user_version` counts those that have run."""


class TooNew(Exception):
    """A later version of the app wrote this file."""


def open_file(path: Path) -> tuple[sqlite3.Connection, str]:
    """Connect and bring the schema up to date; also say what a person should know of it.

    A broken file is moved aside and a new one begun. Where no file can be used, the sessions
    live in memory and end with the app.
    """
    try:
        paths.keep_private(path)
        return connect(str(path)), ""
    except OSError as error:
        place, reason = error.filename or path, error.strerror or error
        return connect(":memory:"), text("history.unusable", place=place, reason=reason)
    except (sqlite3.OperationalError, TooNew) as error:
        return connect(":memory:"), text("history.unusable", place=path, reason=error)
    except sqlite3.DatabaseError as error:
        aside = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%d-%H%M%S')}")
        path.rename(aside)
        for companion in ("-wal", "-shm"):
            path.with_name(path.name + companion).unlink(missing_ok=True)
        return connect(str(path)), text("history.moved", path=path, aside=aside, reason=error)


def connect(name: str) -> sqlite3.Connection:
    """Open a database and bring it to the latest version of the schema.

    Raises:
        sqlite3.OperationalError: the file cannot be used.
        sqlite3.DatabaseError: it is damaged, or no database at all.
        TooNew: it has tables of a later version.
    """
    connection = sqlite3.connect(name, timeout=5.0)
    try:
        # Readers and one writer at a time, of any number of apps, without waiting for the disk
        # at each commit; after a crash the file is whole, and at most the last moment is lost.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        if verdict != "ok":
            raise sqlite3.DatabaseError(verdict)
        connection.create_function("folded", 1, fold, deterministic=True)
        _migrate(connection)
    except (sqlite3.Error, TooNew):
        connection.close()
        raise
    return connection


def _migrate(connection: sqlite3.Connection) -> None:
    """Run the scripts that have not run, in one transaction, so that two apps cannot both."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise TooNew(text("history.too_new"))
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")

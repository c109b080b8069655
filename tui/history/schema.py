"""The tables of the session file, and opening it whatever state it is in."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path

from tui.files import paths
from tui.history.records import fold
from tui.history.salvage import salvage
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


PATIENCE_S = 5.0
"""How long to wait for another app that writes."""

_ENVIRONMENT = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_AUTH,
        sqlite3.SQLITE_PROTOCOL,
    }
)
"""Complaints about the disk, or about who else uses the file; others are about what is in it."""


class TooNew(Exception):
    """A later version of the app wrote this file."""


class Damaged(Exception):
    """Something in the file is not as it was written; the message says what."""


def open_file(path: Path) -> tuple[sqlite3.Connection, str]:
    """Connect and bring the schema up to date; also return what the user should read about it.

    A damaged file is moved aside, and a new one begins with all that can be read in it.

    Raises:
        OSError: the folder cannot be used.
        sqlite3.Error: the file cannot be used, now.
        TooNew: it has tables of a later version.
    """
    paths.keep_private(path)
    try:
        return connect(str(path)), ""
    except Damaged as error:
        aside = _move_aside(path)
        connection = connect(str(path))
        cards = salvage(aside, connection)
        message = text("history.moved", path=path, aside=aside, reason=error, n=cards)
        return connection, message


def _move_aside(path: Path) -> Path:
    """Give a damaged file another name, with what was not yet written into it."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    aside = path.with_name(f"{path.name}.broken-{stamp}")
    for number in range(2, 1000):
        if not aside.exists():
            break
        aside = path.with_name(f"{path.name}.broken-{stamp}-{number}")
    path.rename(aside)
    for companion in ("-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + companion).rename(aside.with_name(aside.name + companion))
    paths.keep_private(path)
    return aside


def copy(path: Path) -> sqlite3.Connection:
    """A copy in memory of a file that is readable but not writable."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):  # the latter where no lock can be taken
        connection = connect(":memory:")
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True)) as source:
                source.backup(connection)
            _migrate(connection)
            _check(connection)
        except (sqlite3.Error, UnicodeError, Damaged, TooNew):
            connection.close()
        else:
            return connection
    return connect(":memory:")


def merge(source: sqlite3.Connection, into: sqlite3.Connection) -> None:
    """Write all rows of one database into another that it does not have.

    Raises:
        sqlite3.Error: it cannot be written; then nothing was.
    """
    with into:
        for table in ("sessions", "drafts", "cards", "chunks", "choices"):
            rows = source.execute(f"SELECT * FROM {table}").fetchall()
            if rows:
                places = ", ".join("?" * len(rows[0]))
                into.executemany(f"INSERT OR IGNORE INTO {table} VALUES ({places})", rows)


def connect(name: str) -> sqlite3.Connection:
    """Open a database and bring it to the latest version of the schema.

    Raises:
        sqlite3.Error: the file cannot be used, now.
        Damaged: something in it is not as it was written.
        TooNew: it has tables of a later version.
    """
    connection = sqlite3.connect(name, timeout=PATIENCE_S)
    try:
        # Readers and one writer at a time, of any number of apps, without waiting for the disk
        # at each commit; after a crash the file is whole, and at most the last moment is lost.
        connection.text_factory = _lenient
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.create_function("folded", 1, fold, deterministic=True)
        _migrate(connection)
        _check(connection)
    except (sqlite3.Error, UnicodeError, MemoryError) as error:
        connection.close()
        if _of_environment(error, name):
            raise
        raise Damaged(str(error)) from error
    except (Damaged, TooNew):
        connection.close()
        raise
    return connection


def _of_environment(error: Exception, name: str) -> bool:
    """Whether it is the disk that refuses, and not the file that is damaged."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    if code & 0xFF == sqlite3.SQLITE_READONLY:
        # A file that says of itself that no version of SQLite can write it.
        return not os.access(name, os.W_OK) or not os.access(Path(name).parent, os.W_OK)
    return code & 0xFF in _ENVIRONMENT and code != sqlite3.SQLITE_IOERR_SHORT_READ


def _lenient(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _check(connection: sqlite3.Connection) -> None:
    """Raise `Damaged` if a table, an index or a reference is not as it was written."""
    (verdict,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if verdict != "ok":
        raise Damaged(verdict)
    if connection.execute("PRAGMA foreign_key_check").fetchone() is not None:
        raise Damaged(text("history.stray"))


def _migrate(connection: sqlite3.Connection) -> None:
    """Run the scripts that have not run, in one transaction, so that two apps cannot both."""
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        # Every version has other tables: a number alone is a wrong byte.
        if version > len(MIGRATIONS) and _tables(connection) != _expected():
            raise TooNew(text("history.too_new"))
        if version > len(MIGRATIONS):
            raise Damaged(text("history.other_version"))
        for script in MIGRATIONS[version:]:
            for statement in script.split(";"):
                connection.execute(statement)
        if version != len(MIGRATIONS):
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    if _tables(connection) != _expected():
        raise Damaged(text("history.other_tables"))


def _tables(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
    return set(connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"))


def _expected() -> set[tuple[str, ...]]:
    """The tables and indexes that the scripts make."""
    with closing(sqlite3.connect(":memory:")) as fresh:
        for script in MIGRATIONS:
            fresh.executescript(script)
        return _tables(fresh)

"""The connection to the session file, or to memory in its place; it notices when the file goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tui.history.schema import TooNew, connect, copy, merge, open_file
from tui.strings import text


class Gone(Exception):
    """The file is not the one that was opened: removed, replaced or damaged. Call `reopen`."""


class SessionFile:
    """One connection, used by one thread. Methods raise `sqlite3.Error` for what the disk does.

    Where the file cannot be used, its place is taken by memory until `settle` has found it usable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""
        """What happened to the file that the user should read, or an empty text."""
        self.refused: sqlite3.Error | OSError | None = None
        """Why all of it is in memory alone, for as long as it is."""
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        """The file, or memory in its place."""
        self.problem, self.refused, self._file = "", None, None
        try:
            connection, self.problem = open_file(self._path)
            status = self._path.stat()
        except TooNew as error:
            self.problem = text("history.unusable", path=self._path, reason=error)
            return connect(":memory:")
        except (OSError, sqlite3.Error) as error:
            self.refused = error
            return copy(self._path)
        self._file = status.st_dev, status.st_ino
        return connection

    def settle(self) -> None:
        """Try the file again, and move what is in memory into it.

        Raises:
            OSError: it still cannot be used.
            sqlite3.Error: it still cannot be used.
        """
        memory = self._connection
        connection, self.problem = open_file(self._path)
        try:
            merge(memory, connection)
            status = self._path.stat()
        except (OSError, sqlite3.Error):
            connection.close()
            raise
        memory.close()
        self._connection, self.refused = connection, None
        self._file = status.st_dev, status.st_ino

    def reopen(self) -> None:
        """Open what is in the file's place now; what was written before may not be in it."""
        self._connection.close()
        self._connection = self._open()

    def gone(self) -> bool:
        """Whether the file is no longer the one that the next start will find."""
        if self._file is None:
            return False
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return self._file != (status.st_dev, status.st_ino)

    def close(self) -> None:
        """Close the file; nothing can be saved afterwards."""
        self._connection.close()

    def _write(self, statement: str, values: Iterable[object]) -> None:
        with self._transaction():
            self._connection.execute(statement, tuple(values))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        """Write all of it or nothing.

        Raises:
            Gone: what would be written now would be found by nobody.
        """
        if self.gone():
            raise Gone
        try:
            with self._connection:
                yield
        except sqlite3.DatabaseError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise Gone from error
            raise

    def _rows(self, statement: str, values: Iterable[object] = ()) -> sqlite3.Cursor:
        return self._connection.execute(statement, tuple(values))

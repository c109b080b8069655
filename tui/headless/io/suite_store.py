"""Items of a suite that are scored, kept in a file so that an interrupted command can go on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.messages import ScoredBy
from tui.files import whole_file
from tui.suites.results import SuiteItem
from tui.suites.suite import ItemName


class SuiteStore:
    """A file of JSON lines: what the items were scored from and with, and what the engine said of
    that, then an item a line."""

    def __init__(self, path: Path, key: dict[str, str]) -> None:
        """Read what is there, if it was scored from the same suite in the same way.

        Raises:
            OSError: the file cannot be read or written.
        """
        self.items: dict[ItemName, SuiteItem] = {}
        self.by: ScoredBy | None = None
        head = msgspec.json.encode(key)
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        if lines[:1] == [head]:
            for line in lines[1:]:
                found = _read(line)
                if isinstance(found, ScoredBy):
                    self.by = found
                elif found is not None:
                    self.items[found.item] = found
        begun = [] if self.by is None else [msgspec.json.encode(self.by)]
        kept = [head, *begun, *(msgspec.json.encode(item) for item in self.items.values())]
        whole_file.write(path, b"".join(line + b"\n" for line in kept).decode())
        self._file = path.open("ab", buffering=0)

    def begin(self, by: ScoredBy) -> None:
        """Keep what scores the items from now on.

        Raises:
            OSError: it cannot be written.
        """
        self.by = by
        self._file.write(msgspec.json.encode(by) + b"\n")

    def add(self, item: SuiteItem) -> None:
        """Keep an item.

        Raises:
            OSError: it cannot be written.
        """
        self._file.write(msgspec.json.encode(item) + b"\n")
        self.items[item.item] = item

    def __enter__(self) -> SuiteStore:
        return self

    def __exit__(self, *failed: object) -> None:
        self._file.close()


def _read(line: bytes) -> SuiteItem | ScoredBy | None:
    """What a line holds; nothing at the end of the file, or where the last one was cut short."""
    kinds: tuple[type[SuiteItem | ScoredBy], ...] = (SuiteItem, ScoredBy)
    for kind in kinds:
        try:
            return msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError:
            pass
    return None

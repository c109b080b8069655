"""Items of a suite that are scored, kept in a file so that an interrupted command can go on."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tui.files import whole_file
from tui.suites.results import SuiteItem
from tui.suites.suite import ItemName


class SuiteStore:
    """A file of JSON lines: what the items were scored from and with, then an item a line."""

    def __init__(self, path: Path, key: dict[str, str]) -> None:
        """Read what is there, if it was scored from the same suite in the same way.

        Raises:
            OSError: the file cannot be read or written.
        """
        self.items: dict[ItemName, SuiteItem] = {}
        head = msgspec.json.encode(key)
        lines = path.read_bytes().split(b"\n") if path.exists() else []
        if lines[:1] == [head]:
            for line in lines[1:]:
                try:
                    item = msgspec.json.decode(line, type=SuiteItem)
                except msgspec.DecodeError:  # the last one, cut short, and the end of the file
                    continue
                self.items[item.item] = item
        kept = [head, *(msgspec.json.encode(item) for item in self.items.values())]
        whole_file.write(path, b"".join(line + b"\n" for line in kept).decode())
        self._file = path.open("ab", buffering=0)

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

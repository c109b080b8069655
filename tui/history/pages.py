"""Reading the rows of a damaged SQLite file page by page, without its tables and indexes.

SQLite itself gives up on a table at the first page that is wrong. Here each page is read for
itself, as https://www.sqlite.org/fileformat2.html describes it, and what makes no sense is skipped.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

Value = None | int | float | str | bytes

_HEADER = 100
"""Bytes at the beginning of the first page that are the file's own."""
_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR = 0x0D, 0x0A, 0x02
_INTEGERS = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
"""How many bytes an integer of each serial type has."""


def rows(path: Path) -> Iterator[tuple[bool, list[Value]]]:
    """Every row that can be read: whether it is a table's (else an index's), and its values.

    A table `WITHOUT ROWID` is stored as an index, its key's columns first.

    Raises:
        OSError: the file cannot be read.
    """
    pages = _pages(path)
    free = _free(pages)
    for number, page in pages.items():
        if number not in free:
            yield from _rows(pages, page, _HEADER if number == 1 else 0)


def _pages(path: Path) -> dict[int, bytes]:
    """The pages by their numbers, with what waits in the write-ahead log in its place."""
    content = path.read_bytes()
    size = int.from_bytes(content[16:18], "big")
    size = 65536 if size == 1 else size
    if size < 512 or size & (size - 1):
        size = 4096
    pages = {
        at // size + 1: content[at : at + size].ljust(size, b"\0")
        for at in range(0, len(content), size)
    }
    log = path.with_name(path.name + "-wal")
    if log.is_file():
        pages |= _logged(log.read_bytes(), size)
    return pages


def _logged(log: bytes, size: int) -> dict[int, bytes]:
    """The pages that finished transactions have left in the log."""
    found: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(32, len(log) - size - 23, 24 + size):
        number, committed = struct.unpack_from(">II", log, at)
        if log[at + 8 : at + 16] != log[16:24]:
            break  # left from before the log was begun anew
        pending[number] = log[at + 24 : at + 24 + size]
        if committed:
            found |= pending
            pending = {}
    return found


def _free(pages: dict[int, bytes]) -> set[int]:
    """The pages that hold nothing any more, though their old content may still be there."""
    free: set[int] = set()
    trunk = int.from_bytes(pages.get(1, b"")[32:36], "big")
    while trunk in pages and trunk not in free:
        page = pages[trunk]
        free.add(trunk)
        trunk, count = struct.unpack_from(">II", page)
        if count <= len(page) // 4 - 2:
            free.update(struct.unpack_from(f">{count}I", page, 8))
    return free


def _rows(pages: dict[int, bytes], page: bytes, at: int) -> Iterator[tuple[bool, list[Value]]]:
    kind = page[at]
    if kind not in (_TABLE_LEAF, _INDEX_LEAF, _INDEX_INTERIOR):
        return
    first = at + (12 if kind == _INDEX_INTERIOR else 8)
    count = int.from_bytes(page[at + 3 : at + 5], "big")
    for slot in range(first, min(first + 2 * count, len(page) - 1), 2):
        cell = int.from_bytes(page[slot : slot + 2], "big")
        if cell < first:
            continue
        try:
            yield kind == _TABLE_LEAF, _values(_payload(pages, page, cell, kind))
        except (IndexError, struct.error):
            continue


def _payload(pages: dict[int, bytes], page: bytes, at: int, kind: int) -> bytes:
    """A row's bytes, together with those that found no room on its page."""
    at += 4 if kind == _INDEX_INTERIOR else 0
    length, at = _varint(page, at)
    if kind == _TABLE_LEAF:
        _, at = _varint(page, at)
    size = len(page)
    least = (size - 12) * 32 // 255 - 23
    most = size - 35 if kind == _TABLE_LEAF else (size - 12) * 64 // 255 - 23
    if length <= most:
        return page[at : at + length]
    here = least + (length - least) % (size - 4)
    here = here if here <= most else least
    parts, held = [page[at : at + here]], here
    following = int.from_bytes(page[at + here : at + here + 4], "big")
    seen: set[int] = set()
    while held < length and following in pages and following not in seen:
        seen.add(following)
        parts.append(pages[following][4:])
        held += size - 4
        following = int.from_bytes(pages[following][:4], "big")
    return b"".join(parts)[:length]


def _values(payload: bytes) -> list[Value]:
    """The values of a row, as far as its bytes go."""
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[Value] = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Value, int]:
    if kind in _INTEGERS:
        end = at + _INTEGERS[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind == 7:
        return struct.unpack_from(">d", payload, at)[0], at + 8
    if kind >= 12:
        end = at + (kind - 12) // 2
        content = payload[at:end]
        return (content.decode("utf-8", "replace") if kind % 2 else content), end
    return {8: 0, 9: 1}.get(kind), at


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends."""
    number = 0
    for _ in range(8):
        byte = content[at]
        at += 1
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at
    return number << 8 | content[at], at + 1

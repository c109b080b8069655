"""Parses a sentencepiece file: its pieces, and its normalisation table.

sentencepiece itself returns the pieces but not the normalisation, and protobuf is needed for
nothing else; so four fields of sentencepiece_model.proto are read here.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import Fault

CONTROL, USER_DEFINED = 3, 4
"""Kinds of pieces that are matched literally."""

_UNKNOWN, _UNIGRAM = 2, 1


@dataclass(frozen=True)
class Pieces:
    """The contents of a sentencepiece file."""

    scored: list[tuple[str, float]]
    """Each piece and its log-probability; ids are indices into this list."""
    kinds: list[int]
    charsmap: bytes
    """The compiled normalisation table; empty if there is none."""
    unigram: bool

    @property
    def unknown(self) -> int:
        """The id of the unknown piece; 0 if there is none."""
        return self.kinds.index(_UNKNOWN) if _UNKNOWN in self.kinds else 0


def read(path: Path) -> Pieces:
    """Read a sentencepiece file.

    Raises:
        Fault: the file is not such a model.
        OSError: the file cannot be read.
    """
    scored: list[tuple[str, float]] = []
    kinds: list[int] = []
    charsmap, model = b"", _UNIGRAM
    try:
        for field, value in _fields(path.read_bytes()):
            inner = dict(_fields(value)) if isinstance(value, bytes) and field <= 3 else {}
            if field == 1:
                score = inner.get(2, b"\0\0\0\0")
                scored.append((_bytes(inner[1]).decode(), struct.unpack("<f", _bytes(score))[0]))
                kinds.append(_number(inner.get(3, 1)))
            elif field == 2:
                model = _number(inner.get(3, _UNIGRAM))
            elif field == 3:
                charsmap = _bytes(inner.get(2, b""))
    except (IndexError, KeyError, TypeError, UnicodeDecodeError, struct.error) as error:
        raise Fault("reason.no_sentencepiece") from error
    if not scored:
        raise Fault("reason.no_pieces")
    return Pieces(scored, kinds, charsmap, model == _UNIGRAM)


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The fields of a protobuf message: number and value, floats as four bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        if key & 7 == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        size, at = _varint(data, at) if key & 7 == 2 else ({1: 8, 5: 4}[key & 7], at)
        if at + size > len(data):
            raise IndexError("a field is cut short")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _bytes(value: int | bytes) -> bytes:
    if isinstance(value, int):
        raise TypeError("a number where a text should be")
    return value


def _number(value: int | bytes) -> int:
    if isinstance(value, bytes):
        raise TypeError("a text where a number should be")
    return value

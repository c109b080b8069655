"""The JSON of a pair of a file that could not be scored, for `pairs` and for `score --file`."""

from __future__ import annotations

from msgspec import Struct


class PairErrorDocument(Struct, frozen=True, kw_only=True):
    """A pair that could not be scored, by its place among the file's pairs and its line there."""

    index: int
    line: int
    error: str
    hint: str

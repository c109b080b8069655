"""Tables as files for R and pandas, each with what its figures were computed with beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from engine.messages import ScoredBy
from tui.files import tables, whole_file
from tui.files.tables import Kind, Value

WordBoundary = Literal["leading", "trailing"]
"""``leading``: a space counts with the word after it, as tokenizers put it there. ``trailing``: the
probability that a word ends counts with that word."""


class About(Struct, frozen=True, kw_only=True):
    """What the figures of a table were computed from, and with: the file beside it."""

    command: str
    file: str
    model: str
    revision: str
    precision: str
    weights: str
    method: str
    start: str | None
    """The token that every text is scored after."""
    unit: str
    word_method: list[str] = []
    """How words were found, where there are words; see README."""
    word_boundary: WordBoundary | None = None
    """Where there are words: which of two words the space between them counts with."""
    unigrams: str | None = None
    """Where the frequencies of words are from, where they were asked for."""
    against: str | None = None
    """The second model, where two are compared."""
    against_revision: str | None = None
    missing: str = tables.NA
    version: str = msgspec.field(default_factory=lambda: metadata.version("tsuzuki"))


def about(
    by: ScoredBy,
    command: str,
    file: str,
    unit: str,
    words: Iterable[str] = (),
    word_boundary: WordBoundary | None = None,
) -> About:
    """What a table of scored texts says of itself."""
    return About(
        command=command,
        file=file,
        model=by.model,
        revision=by.revision,
        precision=by.precision,
        weights=by.weights,
        method=by.method,
        start=by.start,
        unit=unit,
        word_method=sorted(set(words)),
        word_boundary=word_boundary,
    )


def write_file(
    path: Path,
    columns: Sequence[str],
    rows: Iterable[Mapping[str, Value]],
    kind: Kind,
    description: About,
) -> None:
    """Write a table, and its description beside it unless the table goes to a device or a pipe.

    Raises:
        OSError: a file cannot be written.
    """
    with whole_file.writing(path) as file:
        file.writelines(tables.lines(columns, rows, kind))
    if path.is_file():
        content = msgspec.json.format(msgspec.json.encode(description)).decode()
        whole_file.write(path.with_name(f"{path.name}.json"), content + "\n")

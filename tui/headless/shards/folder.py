"""The folder of a run: what it scores and how, and the shards that are done.

    manifest.json        the file, the model and the options; a run with others is refused
    shards/000012.jsonl  the thirteenth shard: its `Head`, then a row of the table a line
    bad.tsv              the rows without figures, by their line and the reason
    result.tsv           the table of all shards

A shard's file is there, whole, or not at all, wherever the run is ended.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
from filelock import FileLock, Timeout
from msgspec import Meta, Struct, structs

from tui.export.table_files import About
from tui.files import paths, tables, whole_file
from tui.files.tables import Cells, Value
from tui.headless.io.tables import unwritable
from tui.headless.shards.judging import ScoredRows, columns, together
from tui.strings import text
from tui.terminal.exit_codes import Failure

Figures = dict[str, str | int | float | bool | None]

COMPUTED_WITH = (
    "model",
    "revision",
    "precision",
    "weights",
    "method",
    "start",
    "against",
    "against_revision",
)
"""What all shards of a run have in common."""


class Manifest(Struct, frozen=True, kw_only=True):
    """What a run scores and how, so that all its shards are scored alike."""

    version: str
    command: str
    options: dict[str, object]
    file: str
    sha256: str
    """Of the rows of the file, as they were read."""
    rows: int
    shard_rows: Annotated[int, Meta(ge=1)]
    threads: int
    """Of each copy of the model: sums over large matrices depend on it in their last digits."""
    columns: list[str]
    """Those of the file."""

    @property
    def shards(self) -> range:
        """The numbers of the shards."""
        return range(-(-self.rows // self.shard_rows))

    def span(self, shard: int) -> slice:
        """The rows of a shard."""
        return slice(shard * self.shard_rows, min((shard + 1) * self.shard_rows, self.rows))

    def differences(self, other: Manifest) -> Iterator[str]:
        """In what a run differs from another in whose folder it would go on."""
        pairs: list[tuple[str, object, object]] = [
            (text("shards.version"), other.version, self.version),
            (text("shards.command"), other.command, self.command),
        ]
        if self.command == other.command:
            names = dict.fromkeys([*other.options, *self.options])
            pairs += [(name, other.options.get(name), self.options.get(name)) for name in names]
        pairs += [
            ("--shard-rows", other.shard_rows, self.shard_rows),
            ("--threads", other.threads, self.threads),
        ]
        for name, there, here in pairs:
            if there != here:
                yield text("shards.differs", name=name, there=_said(there), here=_said(here))
        if self.sha256 != other.sha256:
            yield text("shards.file_differs", file=self.file)


class Head(Struct, frozen=True, kw_only=True):
    """The first line of a shard."""

    shard: int
    about: About | None
    columns: list[str]
    failed: list[tuple[int, str]]
    lines: int
    """How many rows follow."""


class Folder:
    """The folder of a run that is under way, or has ended."""

    def __init__(self, path: Path, manifest: Manifest) -> None:
        """Use `begun` or `read`."""
        self.path = path
        self.manifest = manifest
        self._about: About | None = None
        """What the shards were computed with, as far as one is known."""

    @classmethod
    def read(cls, named: str) -> Folder:
        """A folder that is there.

        Raises:
            Failure: it is none of a run (exit code 2).
        """
        path = paths.written(named)
        manifest = _manifest(path)
        if manifest is None:
            raise Failure.usage(text("shards.no_run", folder=path), text("shards.no_run_hint"))
        return cls(path, manifest)

    @classmethod
    @contextmanager
    def begun(cls, named: str, wanted: Manifest, given: Mapping[str, bool]) -> Iterator[Folder]:
        """The folder of a run that begins or goes on, which nobody else uses meanwhile.

        `given` says whether --shard-rows and --threads were; else those of the first run count.

        Raises:
            Failure: it holds another run, another program uses it, or it cannot be written.
        """
        path = paths.written(named)
        try:
            (path / "shards").mkdir(parents=True, exist_ok=True)
            lock = FileLock(path / ".lock", blocking=False)
            with lock:
                yield cls._gone_on(path, wanted, given)
        except Timeout as error:
            raise Failure(text("shards.in_use", folder=path)) from error
        except OSError as error:
            raise unwritable(path, error) from error

    @classmethod
    def _gone_on(cls, path: Path, wanted: Manifest, given: Mapping[str, bool]) -> Folder:
        found = _manifest(path)
        if found is None:
            whole_file.write(path / "manifest.json", _pretty(wanted))
            return cls(path, wanted)
        kept = {name: getattr(found, name) for name, said in given.items() if not said}
        wanted = structs.replace(wanted, **kept)
        differences = list(wanted.differences(found))
        if differences:
            message = text("shards.other_run", folder=path, differences=differences)
            raise Failure.usage(message, text("shards.other_run_hint"))
        for left in (path / "shards").glob(".*"):  # of a run that was killed as it wrote
            left.unlink()
        folder = cls(path, found)
        folder._about = together(head.about for head in folder.heads())
        return folder

    def missing(self) -> list[int]:
        """The shards that are still to be scored."""
        return [shard for shard in self.manifest.shards if self.head(shard) is None]

    def heads(self) -> Iterator[Head]:
        """What the shards that are done say of themselves, in their order."""
        for shard in self.manifest.shards:
            head = self.head(shard)
            if head is not None:
                yield head

    def head(self, shard: int) -> Head | None:
        """What a shard says of itself; None where it is not done."""
        try:
            with self._file(shard).open("rb") as file:
                head = msgspec.json.decode(file.readline(), type=Head)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        return head if head.shard == shard else None

    def rows(self, shard: int) -> Iterator[tuple[Cells, Mapping[str, Value]]]:
        """The rows of a shard that is done.

        Raises:
            Failure: its file was changed.
        """
        decoder = msgspec.json.Decoder(tuple[dict[str, msgspec.Raw], Figures])
        file = self._file(shard)
        count = 0
        try:
            with file.open("rb") as lines:
                head = msgspec.json.decode(next(lines), type=Head)
                for line in lines:
                    count += 1
                    cells, figures = decoder.decode(line)
                    yield tables.plain(cells), figures
        except (FileNotFoundError, StopIteration, msgspec.DecodeError) as error:
            raise _damaged(file) from error
        if count != head.lines:
            raise _damaged(file)

    def keep(self, shard: int, scored: ScoredRows) -> None:
        """Store a shard.

        Raises:
            Failure: it was computed with something else than those before it, or cannot be stored.
        """
        if scored.about is not None:
            self._agree(scored.about)
        head = Head(
            shard=shard,
            about=scored.about,
            columns=scored.columns,
            failed=scored.failed,
            lines=len(scored.rows),
        )
        lines = [msgspec.json.encode(each) for each in (head, *scored.rows)]
        file = self._file(shard)
        try:
            whole_file.write(file, b"".join(line + b"\n" for line in lines).decode())
        except OSError as error:
            raise unwritable(file, error) from error

    def _agree(self, about: About) -> None:
        """See whether a shard was computed with what the others were.

        Raises:
            Failure: it was not.
        """
        if self._about is None:
            self._about = about
        for name in COMPUTED_WITH:
            there, here = getattr(self._about, name), getattr(about, name)
            if there != here:
                differs = text("shards.differs", name=name, there=_said(there), here=_said(here))
                raise Failure(
                    text("shards.other_model", folder=self.path, differs=differs),
                    text("shards.other_run_hint"),
                )

    def _file(self, shard: int) -> Path:
        return self.path / "shards" / f"{shard:06}.jsonl"


def described(heads: list[Head]) -> tuple[About | None, list[str]]:
    """What shards were computed with, and the names of all their figures."""
    parts = [ScoredRows(about=h.about, columns=h.columns, rows=[], failed=[]) for h in heads]
    return together(part.about for part in parts), columns(parts)


def _manifest(path: Path) -> Manifest | None:
    """The manifest of a folder; None where there is none.

    Raises:
        Failure: it cannot be read.
    """
    file = path / "manifest.json"
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        try:
            return msgspec.json.decode(file.read_bytes(), type=Manifest)
        except msgspec.DecodeError as error:
            raise Failure.usage(text("shards.no_manifest", file=file)) from error
    return None


def _damaged(file: Path) -> Failure:
    return Failure(text("shards.damaged", file=file), text("shards.damaged_hint"))


def _pretty(manifest: Manifest) -> str:
    return msgspec.json.format(msgspec.json.encode(manifest)).decode() + "\n"


def _said(value: object) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return text("shards.none") if value in (None, "") else str(value)

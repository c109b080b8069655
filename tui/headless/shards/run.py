"""A command's run over a file in shards, from its rows to the table of all of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib import metadata
from typing import TYPE_CHECKING, Annotated, Protocol, TypeAlias, TypeVar

import msgspec
from msgspec import Meta, Struct, structs

from tui.analysis.unigrams import Unigrams
from tui.files.tables import Cells
from tui.headless.io import settings_file
from tui.headless.io.output import Output
from tui.headless.io.request import given, validated
from tui.headless.io.session import interruptible
from tui.headless.shards.folder import Folder, Manifest
from tui.headless.shards.judging import BLOCK, Judge
from tui.headless.shards.merging import merge
from tui.headless.shards.pace import Pace
from tui.headless.shards.places import Cluster, configured, places
from tui.headless.shards.pool import Pool
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure

SHARD_ROWS = 2 * BLOCK
"""Rows of a shard: what a copy that is lost has to do again."""
THREADS = 1
"""Of each copy: on any other number figures differ in their last digits, and copies, of which there
can be one for each core, do not wait for each other as threads do."""


class Sizes(Struct, frozen=True, kw_only=True):
    """The numbers of a run, as the command line gives them."""

    shard_rows: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    workers: Annotated[int, Meta(ge=1, le=1024)] | None = None
    """Copies of the model, on each machine."""
    threads: Annotated[int, Meta(ge=1, le=1024)] | None = None
    """Of each copy."""


class Row(Protocol):
    """A row of a file."""

    @property
    def line(self) -> int:
        """The number of its first line, from 1."""

    @property
    def cells(self) -> Cells:
        """Its cells by column; none where it could not be read."""


R = TypeVar("R", bound=Row)

if TYPE_CHECKING:
    from tui.headless.command import ShardedCommand
    from tui.headless.commands.pairs import PairsCommand
    from tui.headless.commands.score import ScoreCommand

    Sharded: TypeAlias = ShardedCommand | PairsCommand | ScoreCommand


def execute(
    command: Sharded,
    name: str,
    file: str,
    judge: Judge[R],
    columns: Sequence[str],
    rows: Sequence[R],
    output: Output,
) -> Exit:
    """Score the rows of a file that are not yet scored, then write the table of all of them.

    `name` is that of the command, `columns` are those of the file.

    Raises:
        Failure: the folder is another run's, no engine is left, or a file cannot be written.
        KeyboardInterrupt: Ctrl+C ended it; what is scored is kept.
    """
    sizes = _sizes(command)
    if command.on and command.engine is not None:
        raise Failure.usage(text("shards.on_or_engine"))
    loaded = settings_file.load(command)
    for problem in loaded.problems:
        output.note(str(problem))
    where = places(command.on, loaded.settings.engine)
    workers, threads = sizes.workers or 1, sizes.threads or loaded.settings.threads
    wanted = Manifest(
        version=metadata.version("tsuzuki"),
        command=name,
        options=_options(judge),
        file=file,
        sha256=_digest(rows),
        rows=len(rows),
        shard_rows=sizes.shard_rows or SHARD_ROWS,
        threads=threads or THREADS,
        columns=list(columns),
    )
    chosen = {"shard_rows": command.shard_rows is not None, "threads": threads is not None}
    with Folder.begun(command.out or "", wanted, chosen) as folder:
        missing, total = folder.missing(), len(folder.manifest.shards)
        if not missing:
            return merge(folder, command, output)
        if len(missing) < total:
            output.note(text("shards.kept", done=total - len(missing), total=total))
        settings = structs.replace(loaded.settings, threads=folder.manifest.threads)
        pace = Pace(folder.manifest, len(missing), output)
        try:
            if isinstance(where, Cluster):
                from tui.headless.shards import cluster

                code = cluster.run(where, sizes.workers, settings, folder, judge, rows, pace)
            else:
                copies = [
                    (host, configured(settings, host.command, judge.model))
                    for host in where
                    for _ in range(workers)
                ]
                pool = Pool(folder, judge, rows, pace, output)
                code = interruptible(lambda: pool.score(copies))
        except KeyboardInterrupt:
            code = Exit.INTERRUPTED
        finally:
            done = total - len(folder.missing())
            if 0 < done < total:
                output.warn(text("shards.kept", done=done, total=total))
        return merge(folder, command, output) if code is Exit.DONE else code


def _sizes(command: Sharded) -> Sizes:
    fields = {name: getattr(command, name) for name in Sizes.__struct_fields__}
    sizes = validated(Sizes, given(**fields))
    if (sizes.shard_rows or 0) % BLOCK:
        message = text("shards.whole_blocks", rows=sizes.shard_rows, block=BLOCK)
        raise Failure.usage(message, text("shards.whole_blocks_hint"))
    return sizes


def _options(judge: Judge[R]) -> dict[str, object]:
    """All that the figures depend on beside the rows."""
    options: dict[str, object] = msgspec.to_builtins(judge, enc_hook=_named)
    return {name: value for name, value in options.items() if name not in ("command", "file")}


def _named(option: object) -> str:
    """What stands for an option that is too large to be written."""
    if isinstance(option, Unigrams):
        return f"{option.source} ({option.edition})"
    raise NotImplementedError


def _digest(rows: Sequence[Row]) -> str:
    """The SHA-256 of the rows, whatever they were read from."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(msgspec.json.encode((row.line, row.cells)))
    return digest.hexdigest()

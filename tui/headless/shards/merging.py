"""One table of all shards, in the order of the file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import structs

from tui.export.table_files import write_file
from tui.files import paths, tables, whole_file
from tui.files.tables import Kind, Value
from tui.headless.io.output import Output
from tui.headless.io.tables import Tabular, named, unwritable
from tui.headless.shards.folder import Folder, described
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure


def merge(folder: Folder, command: Tabular, output: Output) -> Exit:
    """Write the table, into the folder or the file that the command names, and the rows without
    figures. These make the exit code 1.

    Raises:
        Failure: shards are missing, or a file cannot be written.
    """
    manifest = folder.manifest
    heads = list(folder.heads())
    if len(heads) < len(manifest.shards):
        missing, total = len(manifest.shards) - len(heads), len(manifest.shards)
        message = text("shards.missing", folder=folder.path, missing=missing, total=total)
        raise Failure(message, text("shards.missing_hint"))
    about, figures = described(heads)
    failed = [row for head in heads for row in head.failed]
    bad = folder.path / "bad.tsv"
    try:
        _write_bad(bad, failed)
    except OSError as error:
        raise unwritable(bad, error) from error
    if about is not None:  # else no row has a text, and each is named
        path, kind = _target(folder, command)
        names = named(figures, manifest.columns)
        try:
            columns = [*manifest.columns, *names.values()]
            about = structs.replace(about, file=manifest.file)
            write_file(path, columns, _rows(folder, names), kind, about)
        except OSError as error:
            raise unwritable(path, error) from error
        output.note(text("shards.written", file=path))
    if not failed:
        return Exit.DONE
    output.error(
        text("cli.texts_failed", count=len(failed), total=manifest.rows),
        text("shards.bad", file=bad),
    )
    return Exit.FAILED


def _rows(folder: Folder, names: Mapping[str, str]) -> Iterator[dict[str, Value]]:
    for shard in folder.manifest.shards:
        for cells, figures in folder.rows(shard):
            yield {**cells, **{names[key]: value for key, value in figures.items()}}


def _target(folder: Folder, command: Tabular) -> tuple[Path, Kind]:
    """The file of the table, and its kind."""
    if command.csv is not None:
        return paths.written(command.csv), "csv"
    if command.tsv is not None:
        return paths.written(command.tsv), "tsv"
    kind: Kind = "jsonl" if command.json else "tsv"
    return folder.path / f"result.{kind}", kind


def _write_bad(path: Path, failed: list[tuple[int, str]]) -> None:
    if not failed:
        path.unlink(missing_ok=True)
        return
    rows: Iterator[dict[str, Value]] = ({"line": line, "reason": reason} for line, reason in failed)
    with whole_file.writing(path) as file:
        file.writelines(tables.lines(["line", "reason"], rows, "tsv"))

"""A suite's results as files: a table for R and pandas, and all of it as JSON."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import msgspec

from tui.export.table_files import About, write_file
from tui.files import tables, whole_file
from tui.suites import results
from tui.suites.results import SuiteDocument
from tui.suites.suite import Suite


def save(
    folder: Path,
    suite: Suite,
    document: SuiteDocument,
    kind: Literal["csv", "tsv"] = "csv",
    description: About | None = None,
) -> Path:
    """Write both in place of those that are there, and return the table's path.

    With a description of what scored it, that is written beside the table.

    Raises:
        OSError: one cannot be written.
    """
    path = stem(folder, document.suite, document.model)
    table = path.with_name(f"{path.name}.{kind}")
    content = msgspec.json.encode(document).decode() + "\n"
    whole_file.write(path.with_name(f"{path.name}.json"), content)
    rows = results.rows(suite, document.items)
    if description is None:
        whole_file.write(table, tables.written(results.COLUMNS, rows, kind))
    else:
        write_file(table, results.COLUMNS, rows, kind, description)
    return table


def stem(folder: Path, suite: str, model: str) -> Path:
    """The path of the files of a suite's results, without an ending."""
    return folder / f"{_safe(suite)}.{_safe(_short(model))}"


def _short(model: str) -> str:
    """A model's name without the folder it is in."""
    kind, colon, file = model.rpartition(":")
    return f"{kind}{colon}{Path(file).name}"


def _safe(name: str) -> str:
    """A name as one of a file."""
    return re.sub(r"[^\w.+-]+", "_", name).strip(".") or "suite"

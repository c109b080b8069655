"""Names of files that go on from what is written of them."""

from __future__ import annotations

from pathlib import Path

from tui.files import paths


def completed(written: str) -> str | None:
    """The first path, by name, that begins like this; folders end in a slash; None without."""
    folder, slash, begun = written.rpartition("/")
    if not begun:
        return None
    try:
        place = paths.written(folder + slash) if slash else Path()
        names = (
            f"{each.name}/" if each.is_dir() else each.name
            for each in place.iterdir()
            if each.name.startswith(begun)
        )
        found = min(names, default=None)
    except (OSError, ValueError):  # no such folder, or a name that no folder can have
        return None
    return None if found is None else folder + slash + found

"""A model's name where a line is short."""

from __future__ import annotations

from pathlib import PurePath


def short_name(model: str) -> str:
    """The name of a path's last part, or the name that a server has for it; else the id."""
    if "://" in model:
        address, _, name = model.partition("#")
        return name or address.partition("://")[2]
    path = PurePath(model)
    return path.name if path.is_absolute() else model

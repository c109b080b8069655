"""Where the app keeps its files.

Each kind of folder comes from, in this order: ``TSUZUKI_<KIND>_HOME`` (the folder itself),
``XDG_<KIND>_HOME`` on every system where it is set (the folder ``tsuzuki`` in it), and the
platform's own place. Nothing is created before something is to be written.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Literal

import platformdirs

NAME = "tsuzuki"

Kind = Literal["config", "state", "data"]


def folder(kind: Kind) -> Path:
    """The folder of one kind, which may not exist yet."""
    own = os.environ.get(f"TSUZUKI_{kind.upper()}_HOME", "")
    if own:
        return Path(own).expanduser().absolute()
    # The XDG specification has relative paths ignored.
    xdg = Path(os.environ.get(f"XDG_{kind.upper()}_HOME", ""))
    if xdg.is_absolute():
        return xdg / NAME
    platform = {
        "config": platformdirs.user_config_path,
        "state": platformdirs.user_state_path,
        "data": platformdirs.user_data_path,
    }[kind]
    return platform(NAME, appauthor=False)


def ensure(path: Path) -> Path:
    """Create a folder that only its owner can read, and return it.

    Raises:
        OSError: it cannot be created.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def keep_private(path: Path) -> None:
    """Let nobody but its owner read a file, and create it if it is not there.

    Raises:
        OSError: it cannot be opened.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_NONBLOCK, 0o600)
    try:
        status = os.fstat(descriptor)
        if status.st_uid == os.geteuid() and stat.S_IMODE(status.st_mode) & 0o077:
            os.fchmod(descriptor, 0o600)
    finally:
        os.close(descriptor)


def settings_file() -> Path:
    """The user's settings."""
    return folder("config") / "settings.yaml"


def themes_folder() -> Path:
    """The user's own themes."""
    return folder("config") / "themes"


def history_file() -> Path:
    """The sessions."""
    return folder("state") / "history.sqlite3"


def log_file() -> Path:
    """What the engine's worker and its libraries print."""
    return folder("state") / "engine.log"


def store_folder() -> Path:
    """Root of the engine's store of pulled and converted models."""
    return folder("data")

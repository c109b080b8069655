"""Where the app keeps its files.

Each kind of folder comes from, in this order: ``TSUZUKI_<KIND>_HOME`` (the folder itself),
``XDG_<KIND>_HOME`` on every system where it is set (the folder ``tsuzuki`` in it), and the
platform's own place. Nothing is created before something is to be written.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Literal

import platformdirs

from tui.files import system_errors
from tui.strings import text

NAME = "tsuzuki"

Kind = Literal["config", "state", "data"]

_STATE_FILES = ("history.sqlite3", "engine.log")
"""How the names of all that is kept in the state folder begin."""


class NoPath(Exception):
    """The environment names a folder that cannot be one, or by bytes that cannot be passed on."""


def check_environment() -> None:
    """Check that every folder that the environment names can be one.

    Raises:
        NoPath: one is not.
    """
    names = [
        f"{of}_{kind}_HOME" for of in ("TSUZUKI", "XDG") for kind in ("CONFIG", "STATE", "DATA")
    ]
    for name in (*names, "HOME"):
        value = os.environ.get(name, "")
        try:
            value.encode()
        except UnicodeEncodeError:
            raise NoPath(text("paths.not_utf8", name=name)) from None
        if str(written(value)).startswith("~"):
            raise NoPath(text("problems.no_user", name=name, path=value))


def folder(kind: Kind) -> Path:
    """The folder of one kind, which may not exist yet."""
    own = os.environ.get(f"TSUZUKI_{kind.upper()}_HOME", "")
    if own:
        return written(own).absolute()
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


def written(path: str) -> Path:
    """A path as a person writes it. The ~ of an unknown user stays as it is, as in a shell."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def ensure(path: Path) -> Path:
    """Create a folder that only its owner can read, and return it.

    Raises:
        OSError: it cannot be created.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def fresh(folder: Path, ending: str) -> Path:
    """A new, empty file in a folder, which is made too, named by the second.

    Nothing is overwritten: a name that is taken gets a number.

    Raises:
        OSError: it cannot be made.
    """
    ensure(folder)
    stamp = time.strftime("%Y-%m-%d-%H%M%S", time.localtime())
    for number in range(1, 1000):
        path = folder / f"tsuzuki-{stamp}{'' if number == 1 else f'-{number}'}.{ending}"
        try:
            path.touch(exist_ok=False)
        except FileExistsError:
            continue
        return path
    raise FileExistsError(text("export.taken", folder=folder))


def keep_private(file: Path) -> None:
    """Ensure that a file exists, closed to all but its owner, as are its companions and folder.

    A folder that was there counts as ours, and is closed to others, only if nothing else is in it.

    Raises:
        OSError: the file cannot be made or opened.
    """
    folder = ensure(file.parent)
    os.close(os.open(file, os.O_RDONLY | os.O_CREAT | os.O_NONBLOCK, 0o600))
    for each in folder.glob(f"{file.name}*"):
        _close_to_others(each, 0o600)
    if all(each.name.startswith(_STATE_FILES) for each in folder.iterdir()):
        _close_to_others(folder, 0o700)


def _close_to_others(path: Path, mode: int) -> None:
    """Remove all rights to a file or folder but its owner's. Devices are left as they are."""
    status = path.stat()
    if status.st_mode & 0o077 and (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):
        with suppress(PermissionError):  # somebody else's, who lets us write
            path.chmod(mode)


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


def log_problem() -> str:
    """Make the log ready to be written; why it cannot be, or nothing."""
    try:
        keep_private(log_file())
        os.close(os.open(log_file(), os.O_WRONLY | os.O_NONBLOCK))
    except OSError as error:
        return system_errors.reason(error)
    return ""


def kept_files() -> list[Path]:
    """All that is kept of what was typed and answered: sessions, the log, what was made of both.

    Raises:
        OSError: the folder cannot be read.
    """
    state = folder("state")
    if not state.is_dir():
        return []
    return sorted(each for each in state.iterdir() if each.name.startswith(_STATE_FILES))


def store_folder() -> Path:
    """Root of the engine's store of pulled and converted models."""
    return folder("data")

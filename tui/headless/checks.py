"""The checks of `tsuzuki doctor` on the installation, the machine and the terminal."""

from __future__ import annotations

import locale
import os
import platform
import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec import Struct

from engine.messages.units import BUSY
from tui.files import paths, system_errors
from tui.strings import listed, text
from tui.terminal.units import size

if TYPE_CHECKING:
    from tui.config.settings import Settings
    from tui.preferences import Preferences

Mark = Literal["ok", "note", "warning", "wrong"]

LOOK_S = 0.5
"""For how long to look at the cores."""


class Check(Struct, frozen=True):
    """The result of one check; `advice` names the remedy."""

    name: str
    mark: Mark
    value: str
    advice: str = ""


class Section(Struct, frozen=True):
    """Checks that belong together."""

    name: str
    checks: list[Check]


def installation() -> Iterator[Check]:
    """Versions of tsuzuki, Python and what tsuzuki requires."""
    from packaging.requirements import Requirement

    yield Check("tsuzuki", "ok", metadata.version("tsuzuki"))
    yield Check("Python", "ok", f"{platform.python_version()}  {sys.executable}")
    for line in metadata.requires("tsuzuki") or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            version = ""
        if version and requirement.specifier.contains(version, prereleases=True):
            yield Check(requirement.name, "ok", version)
        else:
            yield Check(
                requirement.name,
                "wrong",
                version or text("doctor.missing"),
                text("doctor.install", requirement=f"{requirement.name}{requirement.specifier}"),
            )


def folders(settings: Settings) -> Iterator[Check]:
    """Where files are kept on this machine, and whether they can be."""
    store = settings.configure().store
    places = {"config": paths.folder("config"), "state": paths.folder("state")}
    if settings.engine is None:
        assert store is not None, "settings name a folder for the engine here"
        places["models"] = Path(store)
    found = {name: (place, _obstacle(place)) for name, place in places.items()}
    # The log is really written, as every start of the engine does.
    found["log"] = paths.log_file(), paths.log_problem()
    for name, (place, advice) in found.items():
        yield Check(name, "wrong" if advice else "ok", str(place), advice)


def _obstacle(folder: Path) -> str:
    """Why nothing can be kept in a folder, which need not be there yet; empty where it can."""
    try:
        existing = next(parent for parent in (folder, *folder.parents) if parent.exists())
        if not existing.is_dir():
            return text("doctor.no_folder", path=existing)
    except OSError as error:
        return system_errors.reason(error)
    return "" if os.access(existing, os.W_OK) else text("doctor.not_writable", path=existing)


def settings_file(preferences: Preferences) -> Iterator[Check]:
    """What is wrong in the settings file and in the themes, as the settings screen has it."""
    path, problems = preferences.loaded.path, preferences.problems()
    if not path.exists():
        yield Check("settings", "ok", text("doctor.no_settings", path=path))
    elif not problems:
        yield Check("settings", "ok", str(path))
    for problem in problems:
        yield Check("settings", "wrong", str(problem), text("doctor.settings_default"))


def machine() -> Iterator[Check]:
    """Memory, cores and the operating system."""
    import psutil

    memory = psutil.virtual_memory()
    yield Check(
        "memory",
        "ok",
        text("doctor.memory", available=size(memory.available), total=size(memory.total)),
    )
    yield _cores(psutil.cpu_percent(LOOK_S) / 100)
    yield Check("system", "ok", platform.platform())


def _cores(share: float) -> Check:
    """How many cores there are, and what share of them is in use."""
    count = os.cpu_count() or 1
    used = text("doctor.cores", count=count, used=f"{count * share:.1f}")
    if share <= BUSY:
        return Check("cores", "ok", used)
    return Check("cores", "warning", used, text("doctor.busy"))


def terminal(environment: Mapping[str, str]) -> Iterator[Check]:
    """What the app would find to draw on."""
    name = environment.get("TERM", "")
    if name in ("", "dumb", "unknown"):
        yield Check("TERM", "wrong", name or text("cli.unset"), text("doctor.dumb"))
    else:
        yield Check("TERM", "ok", name)
    yield Check("colours", "ok", text(f"doctor.colours.{colours(environment)}"))
    streams = {"stdin": sys.stdin, "stdout": sys.stdout, "stderr": sys.stderr}
    attached = [name for name, stream in streams.items() if stream.isatty()]
    yield Check(
        "terminal on", "ok" if attached else "note", listed(attached) or text("doctor.none")
    )
    columns, lines = shutil.get_terminal_size()
    small = columns < 80 or lines < 24
    yield Check(
        "size",
        "warning" if small else "ok",
        f"{columns}x{lines}",
        text("doctor.small") if small else "",
    )
    encoding = sys.stdout.encoding
    if re.sub("[-_]", "", encoding.lower()) == "utf8":
        yield Check("encoding", "ok", f"{encoding}  {locale.setlocale(locale.LC_CTYPE)}")
    else:
        yield Check("encoding", "wrong", encoding, text("doctor.not_utf8"))
    if "SSH_CONNECTION" in environment:
        yield Check("SSH", "note", text("doctor.ssh"))
    if "TMUX" in environment:
        yield Check("tmux", "note", environment["TMUX"].split(",")[0], text("doctor.tmux"))


def colours(environment: Mapping[str, str]) -> Literal["none", "full", "many", "few"]:
    """How many colours the terminal reports."""
    if environment.get("NO_COLOR"):
        return "none"
    if environment.get("COLORTERM") in ("truecolor", "24bit"):
        return "full"
    return "many" if "256" in environment.get("TERM", "") else "few"

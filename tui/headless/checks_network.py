"""The network checks of `tsuzuki doctor`: what is set, and with --network what answers."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from urllib.parse import urlsplit

from engine.messages import ModelInfo
from tui.headless.checks import Check
from tui.strings import text

HUB = "https://huggingface.co"
_VARIABLES = ("HF_ENDPOINT", "PIP_INDEX_URL", "HTTPS_PROXY", "https_proxy")


def chosen(environment: Mapping[str, str]) -> Iterator[Check]:
    """What the environment sets for pulls. Connects to nothing."""
    if environment.get("HF_HUB_OFFLINE"):
        yield Check("HF_HUB_OFFLINE", "note", environment["HF_HUB_OFFLINE"], text("doctor.offline"))
    for name in _VARIABLES:
        if environment.get(name):
            yield Check(name, "note", _without_password(environment[name]))


async def answering(models: Sequence[ModelInfo]) -> AsyncIterator[Check]:
    """Ask the package index and the hub, each from a child process of its own."""
    hub = os.environ.get("HF_ENDPOINT") or HUB
    wheels = [model.origin.partition("==")[0] for model in models if model.source == "index"]
    for package in wheels:
        command = ["pip", "index", "versions", package, "--no-input", "--timeout=10", "--retries=0"]
        yield await _try(text("doctor.index"), package, command)
    yield await _try(text("doctor.hub"), _without_password(hub), ["tui.headless.reach", hub])


async def _try(name: str, what: str, module: Sequence[str]) -> Check:
    """Run a Python module; the last line of its output is the reason where it fails."""
    import asyncio

    child = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        *module,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
    if child.returncode == 0:
        return Check(name, "ok", text("doctor.answers", what=what))
    lines = printed.decode(errors="replace").strip().splitlines()
    reason = text("doctor.silent", what=what, reason=lines[-1] if lines else child.returncode)
    return Check(name, "warning", reason, text("doctor.no_network"))


def _without_password(address: str) -> str:
    user, at, _ = urlsplit(address).netloc.rpartition("@")
    return address.replace(f"{user}{at}", "***@", 1) if at else address

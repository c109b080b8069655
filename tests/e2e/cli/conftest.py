"""The installed program as scripts run it: a process of its own, with the real worker."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

PROGRAM = str(Path(sys.executable).with_name("tsuzuki"))
PATIENCE_S = 300.0
"""No measure of anything: only what keeps a test from hanging for ever."""

Ended = subprocess.CompletedProcess[bytes]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the program gets to see: empty folders of its own, and no terminal."""
    home = tmp_path_factory.mktemp("home")
    own = {f"TSUZUKI_{kind}_HOME": str(home / kind.lower()) for kind in ("CONFIG", "STATE", "DATA")}
    return {**os.environ, **own, "TERM": "xterm"}


Tsuzuki = Callable[..., Ended]


@pytest.fixture(scope="session")
def tsuzuki(environment: Mapping[str, str]) -> Tsuzuki:
    """Run the program to its end."""

    def call(*arguments: str, stdin: bytes = b"", cwd: Path | None = None) -> Ended:
        return subprocess.run(
            [PROGRAM, *arguments],
            input=stdin,
            capture_output=True,
            env=environment,
            cwd=cwd,
            timeout=PATIENCE_S,
        )

    return call


Start = Callable[[Sequence[str]], subprocess.Popen[bytes]]


@pytest.fixture
def start(environment: Mapping[str, str]) -> Start:
    """Start the program, to be signalled or left alone."""

    def call(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            bufsize=0,  # what was read ahead would be missing from `communicate`
        )

    return call

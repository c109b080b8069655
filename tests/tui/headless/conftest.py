"""A command line run in this process, with an engine whose answers a test sets."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from engine import client
from tests.support.scripted_engine import ScriptedEngine
from tui import cli


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ScriptedEngine]:
    """The engine that commands of this test use. It must be stopped as often as started."""
    fake = ScriptedEngine()
    monkeypatch.setattr(client, "Engine", fake)
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"TSUZUKI_{kind}_HOME", str(tmp_path / kind.lower()))
    yield fake
    assert fake.stops == len(fake.configured)


@dataclass(frozen=True)
class Result:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, object]:
        """The one document on standard output."""
        document = json.loads(self.out)
        assert isinstance(document, dict)
        assert self.out.count("\n") == 1
        return document


Tsuzuki = Callable[..., Result]


@pytest.fixture
def tsuzuki(engine: ScriptedEngine, capsysbinary: pytest.CaptureFixture[bytes]) -> Tsuzuki:
    """Run a command line."""

    def call(*arguments: str) -> Result:
        try:
            code = cli.main(arguments)
        except SystemExit as ending:
            code = int(ending.code or 0)
        out, err = capsysbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return call

"""Commands on long files, over engines that a test describes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine import client
from tests.support.shard_engine import ShardEngines
from tests.tui.headless.conftest import Result
from tui import cli
from tui.headless.shards import judging, pool, run


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[ShardEngines]:
    """The engines of this test, all of which must be stopped. Blocks have two rows."""
    fake = ShardEngines()
    monkeypatch.setattr(client, "Engine", fake)
    monkeypatch.setattr(pool, "PAUSES_S", (0.0, 0.0, 0.0))
    for module in (judging, run):
        monkeypatch.setattr(module, "BLOCK", 2)
    monkeypatch.setattr(run, "SHARD_ROWS", 4)
    for kind in ("CONFIG", "STATE", "DATA"):
        monkeypatch.setenv(f"TSUZUKI_{kind}_HOME", str(tmp_path / kind.lower()))
    yield fake
    assert fake.started == fake.stopped


@pytest.fixture
def tsuzuki(
    engines: ShardEngines, capsysbinary: pytest.CaptureFixture[bytes]
) -> Callable[..., Result]:
    """Run a command line."""

    def call(*arguments: str) -> Result:
        code = cli.main(arguments)
        out, err = capsysbinary.readouterr()
        return Result(code, out.decode(), err.decode())

    return call


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Ten rows: five shards of a block each, or three of two."""
    path = tmp_path / "big.tsv"
    rows = [f"{number}\t{'abcdefghij'[: number + 1]} x" for number in range(10)]
    path.write_text("\n".join(["id\tsentence", *rows]) + "\n", encoding="utf-8")
    return path

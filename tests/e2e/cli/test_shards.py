"""Long files in shards, over real engines that are killed and cut off."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.e2e.cli.conftest import PATIENCE_S, PROGRAM, Start, Tsuzuki
from tests.support import relay

RELAY = shlex.join([sys.executable, relay.__file__])
WORDS = ["東京", "大阪", "京都", "学校", "先生", "学生", "犬", "猫", "本", "駅", "雨", "空"]
ROWS = 2000

pytestmark = pytest.mark.slow
on_ray = pytest.mark.skipif(importlib.util.find_spec("ray") is None, reason="Ray is not installed")


@pytest.fixture
def arguments(tmp_path: Path) -> list[str]:
    """Score a file of short texts, which differ from block to block."""
    file = tmp_path / "big.tsv"
    texts = (
        f"{row}\t{WORDS[row % 12]}の{WORDS[row // 7 % 12]}は{WORDS[row // 500]}だ。"
        for row in range(ROWS)
    )
    file.write_text("\n".join(["id\tsentence", *texts]) + "\n", encoding="utf-8")
    options = ("--file", str(file), "--unit", "sentence", "--threads", "1", "--shard-rows", "500")
    return ["surprisal", *options, "--model", "starter-ja"]


@pytest.fixture
def alone(tsuzuki: Tsuzuki, arguments: list[str], tmp_path: Path) -> bytes:
    """The table of one worker that nobody disturbs."""
    ended = tsuzuki(*arguments, "--out", str(tmp_path / "alone"))
    assert ended.returncode == 0, ended.stderr.decode()
    return (tmp_path / "alone" / "result.tsv").read_bytes()


def killed(start: Start, arguments: list[str], out: Path) -> None:
    """Kill a run when its next shard is stored."""
    before = set(out.glob("shards/0*"))
    process = start([*arguments, "--out", str(out)])
    deadline = time.monotonic() + PATIENCE_S
    while set(out.glob("shards/0*")) == before and process.poll() is None:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.kill()
    process.communicate()


def test_killed_and_cut_off_it_ends_with_the_same_bytes(
    tsuzuki: Tsuzuki, start: Start, arguments: list[str], alone: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    killed(start, arguments, out)
    state = shlex.quote(str(tmp_path / "state"))
    cut = f"{RELAY} --cut 20000 --state {state}"
    ended = tsuzuki(*arguments, "--out", str(out), "--on", cut, "--on", "local")
    assert ended.returncode == 0, ended.stderr.decode()
    assert b"Its shard goes to whoever is free" in ended.stderr
    assert (out / "result.tsv").read_bytes() == alone


@on_ray
def test_on_ray_killed_twice_it_ends_with_the_same_bytes(
    tsuzuki: Tsuzuki, start: Start, arguments: list[str], alone: bytes, tmp_path: Path
) -> None:
    out, ray = tmp_path / "out", [*arguments, "--on", "ray", "--workers", "2"]
    for _ in range(2):
        killed(start, ray, out)
    ended = tsuzuki(*ray, "--out", str(out))
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stderr == b""
    assert (out / "result.tsv").read_bytes() == alone


@pytest.fixture
def head(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The address of a cluster's head for clients, which asks them for a token."""
    folder = tmp_path_factory.mktemp("ray")
    monkeypatch.setenv("RAY_AUTH_TOKEN", secrets.token_hex(32))
    port = free_port()
    options = ["--port", str(free_port()), "--ray-client-server-port", str(port), "--num-cpus", "2"]
    options += ["--include-dashboard=false", "--disable-usage-stats", "--temp-dir", str(folder)]
    ray = Path(sys.executable).with_name("ray")
    process = subprocess.Popen(
        [ray, "start", "--head", "--block", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "RAY_AUTH_MODE": "token"},
    )
    assert process.stdout is not None
    try:
        assert any(b"Ray runtime started" in line for line in process.stdout)
        yield f"ray://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


@on_ray
def test_on_a_cluster_of_another_machine_it_ends_with_the_same_bytes(
    tsuzuki: Tsuzuki,
    environment: Mapping[str, str],
    arguments: list[str],
    alone: bytes,
    head: str,
    tmp_path: Path,
) -> None:
    out = tmp_path / "out"
    token = {"RAY_AUTH_TOKEN": os.environ["RAY_AUTH_TOKEN"]}
    ended = subprocess.run(
        [PROGRAM, *arguments, "--out", str(out), "--on", head, "--workers", "2"],
        capture_output=True,
        env={**environment, **token},
        timeout=PATIENCE_S,
    )
    assert ended.returncode == 0, ended.stderr.decode()
    assert ended.stderr == b""
    assert (out / "result.tsv").read_bytes() == alone


@pytest.mark.parametrize("address", ["ray://127.0.0.1:1", "ray://no-such-host.invalid:10001"])
@on_ray
def test_a_head_that_is_not_reached_is_one_line(
    tsuzuki: Tsuzuki, arguments: list[str], tmp_path: Path, address: str
) -> None:
    ended = tsuzuki(*arguments, "--out", str(tmp_path / "out"), "--on", address)
    assert ended.returncode == 1
    first, hint, kept = ended.stderr.decode().split("\n")
    assert first.startswith(f"The Ray cluster at {address} cannot be reached (")
    assert "ray start --head" in hint and not kept


@pytest.mark.parametrize(
    ("command", "options", "header"),
    [
        ("pll", ("--column", "a"), "n\ta\tb"),
        ("fill", ("--column", "masked", "--top", "2"), "n\ta\tb\tmasked"),
        ("pairs", ("--model", "starter-en"), "n\tgood\tbad"),
        ("score", (), "n\ta\tb"),
    ],
)
def test_every_command_writes_the_table_that_it_writes_without_shards(
    tsuzuki: Tsuzuki, tmp_path: Path, command: str, options: tuple[str, ...], header: str
) -> None:
    file, table, out = tmp_path / "in.tsv", tmp_path / "plain.tsv", tmp_path / "out"
    row = ["What is it ?", "It is a game.", "It is a [MASK]."]
    lines = ["\t".join([str(n), *row][: header.count("\t") + 1]) for n in range(3)]
    file.write_text("\n".join([header, *lines, "3", ""]), encoding="utf-8")
    arguments = [command, "--file", str(file), *options]
    settings = tmp_path / "settings.yaml"
    settings.write_text("threads: 1\n")  # as each copy of a run in shards has
    alone = tsuzuki(*arguments, "--config", str(settings), "--tsv", str(table))
    assert alone.returncode == 1, alone.stderr.decode()
    ended = tsuzuki(*arguments, "--out", str(out))
    assert ended.returncode == 1, ended.stderr.decode()
    assert (out / "result.tsv").read_bytes() == table.read_bytes()
    assert (out / "bad.tsv").read_text().splitlines()[1].startswith("5\t")

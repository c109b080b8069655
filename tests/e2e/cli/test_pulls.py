"""Models through the command line, from a hub on this machine to their removal."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator, Mapping

import pexpect
import pytest

from tests.conftest import Tiny
from tests.e2e.cli.conftest import PATIENCE_S, PROGRAM
from tests.support.hub_server import Hub, Repo, serve

MODEL = "someone/small"
WEIGHTS = "model.safetensors"


@pytest.fixture
def hub(tiny: Tiny) -> Iterator[Hub]:
    with serve({MODEL: Repo.of(tiny("gpt2"))}) as hub:
        yield hub


@pytest.fixture
def connected(environment: Mapping[str, str], hub: Hub) -> dict[str, str]:
    """The environment in which that hub is the only one."""
    offline = {name: value for name, value in environment.items() if name != "HF_HUB_OFFLINE"}
    return {**offline, "HF_ENDPOINT": hub.url, "NO_PROXY": "127.0.0.1"}


def run(environment: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [PROGRAM, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=dict(environment),
        timeout=PATIENCE_S,
    )


def test_a_model_is_pulled_used_and_removed(connected: dict[str, str]) -> None:
    pulled = run(connected, "models", "pull", MODEL, "--json")
    assert (pulled.returncode, pulled.stderr) == (0, "")
    assert json.loads(pulled.stdout)["state"] == "on_disk"

    used = run(connected, "continue", "a", "--model", MODEL, "--max-tokens", "2", "--json")
    assert used.returncode == 0
    assert len(json.loads(used.stdout)["branches"][0]["tokens"]) == 2

    removed = run(connected, "models", "remove", MODEL, "--json")
    assert (removed.returncode, json.loads(removed.stdout)["state"]) == (0, "absent")
    assert run(connected, "tokens", "a", "--model", MODEL).returncode == 1


def test_a_pull_draws_its_progress_and_can_be_interrupted(
    connected: dict[str, str], hub: Hub
) -> None:
    hub.hold[WEIGHTS] = 10_000
    terminal = pexpect.spawn(
        PROGRAM, ["models", "pull", MODEL], env=connected, encoding="utf-8", timeout=PATIENCE_S
    )
    terminal.expect(f"Pulling {MODEL}.* of .* %")
    assert hub.held.wait(PATIENCE_S)
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    hub.go.set()

    assert terminal.exitstatus == 128 + signal.SIGINT
    assert run(connected, "models", "info", MODEL).returncode == 2


def test_a_hub_that_is_not_there_is_a_failure(connected: dict[str, str]) -> None:
    ended = run({**connected, "HF_ENDPOINT": "http://127.0.0.1:9"}, "models", "pull", MODEL)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.count("\n") == 2

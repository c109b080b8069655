"""What goes out while nobody has asked for it: nothing, from the app or from its worker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.terminal import PROGRAM, environment, opened

GUARD = """
import os, socket, sys
LOOKUPS = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr",
           "socket.getnameinfo"}
def forbid(event, arguments):
    inet = event == "socket.__new__" and arguments[1] in (socket.AF_INET, socket.AF_INET6)
    if event in LOOKUPS or inet:
        with open(os.environ["GUARD"], "a") as file:
            file.write(f"{event} {sys.argv}\\n")
        raise PermissionError("the network is forbidden here")
sys.addaudithook(forbid)
with open(os.environ["GUARD"] + ".on", "a") as file:
    file.write(" ".join(sys.orig_argv) + "\\n")
"""


@pytest.fixture
def guarded(tmp_path: Path) -> dict[str, str]:
    """An environment in which every Python forbids itself the internet, and notes each try."""
    (tmp_path / "guard").mkdir()
    (tmp_path / "guard" / "sitecustomize.py").write_text(GUARD)
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.yaml").write_text(
        "servers: [{url: 'http://127.0.0.1:9/v1', model: starter-ja}]\n"  # listed, and not used
    )
    return environment(tmp_path, PYTHONPATH=str(tmp_path / "guard"), GUARD=str(tmp_path / "tried"))


def test_the_guard_notes_a_socket_and_a_look_up(tmp_path: Path, guarded: dict[str, str]) -> None:
    for code in ("socket.socket()", "socket.getaddrinfo('localhost', 80)"):
        tried = subprocess.run(
            [sys.executable, "-P", "-c", f"import socket; {code}"],
            env=guarded,
            stderr=subprocess.DEVNULL,
        )
        assert tried.returncode == 1
    assert len((tmp_path / "tried").read_text().splitlines()) == 2


def test_the_app_and_its_worker_reach_for_no_network(
    tmp_path: Path, guarded: dict[str, str]
) -> None:
    with opened(guarded) as terminal:
        terminal.wait("greedy · ")
        terminal.press("enter")
        terminal.wait("43 tokens · ", "perplexity")
        terminal.press("f3", "enter")
        terminal.wait("you hid baseball")
        terminal.press("f4", "enter")
        terminal.wait("A→B", "margin")
        terminal.press("ctrl+q")
        assert terminal.ended() == 0
    watched = (tmp_path / "tried.on").read_text()
    assert PROGRAM in watched
    assert "-m engine" in watched
    assert not (tmp_path / "tried").exists(), (tmp_path / "tried").read_text()

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from tests.support.sample_cards import finished
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki
from tui.files import paths
from tui.history.database import Database
from tui.history.records import Snapshot


@pytest.fixture
def kept(engine: ScriptedEngine) -> Path:
    """A state folder with a session, a broken file of sessions, a log and something else."""
    database = Database(paths.history_file())
    database.save_card("s", Snapshot.of(finished()), afresh=True)
    database.close()
    state = paths.folder("state")
    for name in ("history.sqlite3.broken-1", "engine.log", "engine.log.1", "mine.txt"):
        (state / name).write_text("x")
    return state


def test_all_that_is_kept_is_removed_and_nothing_else(kept: Path, tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("forget", "--yes")

    assert (result.code, result.err) == (0, "")
    assert [each.name for each in kept.iterdir()] == ["mine.txt"]
    assert str(paths.history_file()) in result.out
    assert tsuzuki("forget", "--yes", "--json").json == {"removed": []}


def test_without_anybody_to_ask_it_needs_yes(kept: Path, tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("forget")

    assert (result.code, result.out) == (2, "")
    assert "--yes" in result.err
    assert paths.history_file().is_file()


@pytest.mark.parametrize(("answer", "gone"), [("y\n", True), ("n\n", False), ("", False)])
def test_it_asks_first(
    kept: Path, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch, answer: str, gone: bool
) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(sys.stdin, "readline", lambda: answer)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)

    result = tsuzuki("forget")

    assert "They cannot come back" in result.err
    assert paths.history_file().exists() is not gone
    assert result.code == (0 if gone else 1)


def test_what_a_running_app_has_open_is_not_removed(kept: Path, tsuzuki: Tsuzuki) -> None:
    database = Database(paths.history_file())
    database.hold("s")
    try:
        result = tsuzuki("forget", "--yes")
    finally:
        database.close()

    assert (result.code, result.out) == (1, "")
    assert "running app" in result.err
    assert paths.history_file().is_file()


def test_a_file_of_no_kind_is_removed_too(kept: Path, tsuzuki: Tsuzuki) -> None:
    paths.history_file().write_bytes(os.urandom(4096))

    assert tsuzuki("forget", "--yes").code == 0
    assert not paths.history_file().exists()

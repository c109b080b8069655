from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.files import paths


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def loose() -> object:
    """A umask that closes nothing."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_a_file_and_its_folder_are_for_their_owner_alone(tmp_path: Path, loose: None) -> None:
    folder = tmp_path / "state"
    folder.mkdir(mode=0o755)
    for name in ("engine.log", "engine.log.1", "history.sqlite3-wal"):
        (folder / name).touch(mode=0o644)

    paths.keep_private(folder / "engine.log")
    paths.keep_private(folder / "history.sqlite3")

    assert mode(folder) == 0o700
    assert {mode(each) for each in folder.iterdir()} == {0o600}
    assert len(list(folder.iterdir())) == 4


def test_a_folder_with_other_things_in_it_is_not_closed(tmp_path: Path, loose: None) -> None:
    tmp_path.chmod(0o755)
    (tmp_path / "mine.txt").touch(mode=0o644)

    paths.keep_private(tmp_path / "engine.log")

    assert mode(tmp_path) == 0o755
    assert mode(tmp_path / "mine.txt") == 0o644
    assert mode(tmp_path / "engine.log") == 0o600


def test_a_device_in_place_of_the_log_is_left_as_it_is(tmp_path: Path) -> None:
    before = mode(Path(os.devnull))
    (tmp_path / "engine.log").symlink_to(os.devnull)

    paths.keep_private(tmp_path / "engine.log")

    assert mode(Path(os.devnull)) == before


def test_why_the_log_cannot_be_written_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("a file")
    monkeypatch.setenv("TSUZUKI_STATE_HOME", str(tmp_path / "state"))
    assert paths.log_problem() == "File exists"
    monkeypatch.setenv("TSUZUKI_STATE_HOME", str(tmp_path / "other"))
    assert paths.log_problem() == ""


@pytest.mark.parametrize("value", ["/tmp/\udcff", "~nosuch/x"])
def test_a_folder_of_the_environment_that_cannot_be_is_named(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    paths.check_environment()
    monkeypatch.setenv("TSUZUKI_DATA_HOME", value)
    with pytest.raises(paths.NoPath, match="TSUZUKI_DATA_HOME"):
        paths.check_environment()

"""Results computed from weights are found again until the weights change."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from safetensors.torch import save_file

from engine.store import artifacts
from engine.store.checkpoint import Broken


def model(folder: Path) -> Path:
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"weights")
    return folder


def keep(root: Path, source: Path, text: str = "result") -> Path:
    folder = artifacts.place(root, source)
    assert artifacts.write(folder, "form", source, lambda path: path.write_text(text))
    return folder


def test_a_result_is_found_again(tmp_path: Path) -> None:
    source = model(tmp_path / "model")
    keep(tmp_path, source)
    artifacts.sweep(tmp_path)
    assert (artifacts.place(tmp_path, source) / "form").read_text() == "result"


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_changed_files_find_nothing_and_their_results_are_swept(tmp_path: Path, name: str) -> None:
    source = model(tmp_path / "model")
    old = keep(tmp_path, source)
    stat = (source / name).stat()
    os.utime(source / name, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert artifacts.place(tmp_path, source) != old
    artifacts.sweep(tmp_path)
    assert not old.exists()


def test_results_of_a_model_that_is_gone_are_swept(tmp_path: Path) -> None:
    source = model(tmp_path / "model")
    folder = keep(tmp_path, source)
    (source / "model.safetensors").unlink()
    with pytest.raises(Broken):
        artifacts.place(tmp_path, source)
    artifacts.sweep(tmp_path)
    assert not folder.exists()


def test_one_model_is_forgotten_and_the_other_kept(tmp_path: Path) -> None:
    one, other = model(tmp_path / "one"), model(tmp_path / "other")
    gone, kept = keep(tmp_path, one), keep(tmp_path, other)
    artifacts.forget(tmp_path, one)
    assert (gone.exists(), kept.exists()) == (False, True)


def test_a_write_that_fails_leaves_the_result_before_it(tmp_path: Path) -> None:
    source = model(tmp_path / "model")
    folder = keep(tmp_path, source)

    def fail(path: Path) -> None:
        path.write_text("half")
        raise OSError("disk full")

    assert not artifacts.write(folder, "form", source, fail)
    assert (folder / "form").read_text() == "result"
    assert sorted(path.name for path in folder.iterdir()) == ["form", "origin"]


def test_what_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    source = model(tmp_path / "model")
    folder = artifacts.place(tmp_path, source)
    for save in (
        lambda path: (path / "no" / "folder").write_text("result"),
        lambda path: save_file({}, path / "no" / "folder"),
    ):
        assert not artifacts.write(folder, "form", source, save)
    assert [file.name for file in folder.iterdir()] == ["origin"]

from __future__ import annotations

from pathlib import Path

import pytest

from engine.machine import gpus


def test_the_drivers_list_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert gpus.names(tmp_path) == []
    for number in range(2):
        folder = tmp_path / f"0000:0{number}:00.0"
        folder.mkdir()
        (folder / "information").write_text("Model: \t\t NVIDIA H100 80GB HBM3\nIRQ: 17\n")
    assert gpus.names(tmp_path) == ["NVIDIA H100 80GB HBM3"] * 2

from __future__ import annotations

from pathlib import Path

import psutil
import pytest
import torch

from engine.machine import memory


def container(folder: Path, limit: str) -> Path:
    (folder / "memory.max").write_text(f"{limit}\n")
    (folder / "memory.current").write_text("700000\n")
    (folder / "memory.stat").write_text("anon 500000\ninactive_file 150000\nactive_file 50000\n")
    return folder


def test_a_containers_limit_counts_without_the_cache_that_it_would_give_up(tmp_path: Path) -> None:
    assert memory.available(container(tmp_path, "1000000")) == 450_000


def test_a_container_over_its_limit_has_nothing_left(tmp_path: Path) -> None:
    assert memory.available(container(tmp_path, "500000")) == 0


@pytest.mark.parametrize("limit", ["max", str(2**62)])
def test_without_a_limit_the_machine_counts(tmp_path: Path, limit: str) -> None:
    total = psutil.virtual_memory().total
    assert 1_000_000 < memory.available(container(tmp_path, limit)) <= total
    assert 1_000_000 < memory.available(tmp_path / "no-such-folder") <= total


def test_only_what_was_on_a_gpu_empties_its_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    emptied: list[bool] = []
    monkeypatch.setattr(torch.accelerator, "empty_cache", lambda: emptied.append(True))
    memory.give_back()
    assert not emptied
    memory.give_back("cuda")
    assert emptied

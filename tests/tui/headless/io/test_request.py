"""How models are named on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.headless.io.request import model_name, own_models


def test_files_are_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "a.gguf").write_text("")
    full = tmp_path.resolve()
    assert model_name("ngram:a.txt") == f"5-gram:{full}/a.txt"
    assert model_name("3-gram:./a.txt") == f"3-gram:{full}/a.txt"
    assert model_name("2-gram:none.txt") == "2-gram:none.txt"  # the engine says that it is missing
    assert model_name("./a.gguf") == f"{full}/a.gguf"
    assert model_name("gpt2") == "gpt2"
    assert own_models("gpt2") == [] and own_models("/a") == ["/a"]
    assert own_models("3-gram:/a") == ["3-gram:/a"]

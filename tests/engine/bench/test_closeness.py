"""The distances of forms and of llama.cpp, on one text."""

from __future__ import annotations

from typing import cast

import pytest
import torch

from engine.bench.closeness import close
from engine.bench.ggufs import Gguf
from engine.runtime.loaded import LoadedModel
from tests.support.bundles import STARTER, load


class Fork:
    """A reader of another model, as `ggufs.Reader`: it has no branches to pass on."""

    def __init__(self, model: LoadedModel, sharpened: float = 1) -> None:
        assert model.causal is not None
        self._sharpened = sharpened
        self._runtime = model.causal
        self._row = model.causal.empty()

    def reader(self) -> Fork:
        return self

    def empty(self) -> None:
        self._row = self._runtime.empty()

    def read(self, branches: None, ids: list[list[int]]) -> tuple[None, torch.Tensor]:
        self._row, logits = self._runtime.read(self._row, ids)
        return None, logits * self._sharpened


def test_forms_and_peers_are_measured_on_one_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.store.distances.text", lambda languages: "東京の街は" * 20)
    exact, other = load(STARTER / "starter-ja"), load(STARTER / "starter-ja")
    peers = {"same": cast(Gguf, Fork(exact)), "other": cast(Gguf, Fork(other, sharpened=1.5))}
    nats, percent = close(exact.files, {"exact": exact, "bf16": other}, peers)
    assert (nats.unit, percent.unit) == ("nats", "%")
    assert nats.value == nats.peers["same"] == pytest.approx(0, abs=1e-6)
    assert nats.peers["other"] > 0.01
    assert percent.value == percent.peers["other"] == 100

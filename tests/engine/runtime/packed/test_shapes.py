"""A shape is read from the configuration once, and anew when the store's copy is no use."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.runtime.packed import families, shapes
from tests.support.bundles import files, kept
from tests.support.packed_models import ODD, VARIETIES

Saved = Callable[[str], Path]


@pytest.mark.parametrize("variety", VARIETIES)
def test_a_kept_shape_is_the_same(
    saved: Saved, tmp_path: Path, variety: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = kept(saved(variety), tmp_path)
    first = shapes.shape(model)
    assert first is not None
    assert first == families.shape(model.folder)
    monkeypatch.setattr(families, "shape", lambda folder: None)
    assert shapes.shape(model) == first


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"layers": 2}'])
def test_what_cannot_be_used_is_read_anew(saved: Saved, tmp_path: Path, content: bytes) -> None:
    model = kept(saved("llama"), tmp_path)
    first = shapes.shape(model)
    assert model.derived is not None
    (file,) = model.derived.glob("shape*")
    whole = file.read_bytes()
    file.write_bytes(content)
    assert shapes.shape(model) == first
    assert file.read_bytes() == whole


@pytest.mark.parametrize("variety", ODD)
def test_what_is_not_supported_is_no_shape(saved: Saved, tmp_path: Path, variety: str) -> None:
    model = kept(saved(variety), tmp_path)
    assert (shapes.shape(model), shapes.shape(model)) == (None, None)


def test_without_a_place_in_the_store_it_is_read_each_time(saved: Saved) -> None:
    model = files(saved("gpt2"))
    assert model.derived is None
    assert shapes.shape(model) == families.shape(model.folder)

"""What a GPU computes equals what transformers computes on the CPU; skipped where there is none."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from engine.machine.devices import resolve
from engine.messages import Piece
from engine.runtime.generic import GenericRuntime
from engine.runtime.masked import load_masked
from engine.runtime.packed.loading import load_packed
from engine.runtime.prefix_cache import CHUNK
from tests.conftest import Tiny
from tests.engine.runtime.test_load import files as files_with
from tests.support.bundles import files, quiet
from tests.support.families import FAMILIES, build, close, plain, prefilled, text
from tests.support.packed_models import VARIETIES
from tests.support.packed_models import plain as reference

GPU = resolve("auto")
pytestmark = pytest.mark.skipif(GPU == "cpu", reason="PyTorch sees no GPU here")

Saved = Callable[[str], Path]


@pytest.mark.parametrize("variety", VARIETIES)
def test_packed_models(saved: Saved, variety: str) -> None:
    runtime = load_packed(files(saved(variety)), "exact", quiet, GPU)
    assert runtime is not None
    ids = text(4 * CHUNK + 2)
    expected = plain(reference(saved(variety)), ids)
    row, _ = prefilled(runtime, ids[:-2])
    assert close(row.logits[0], expected[-3])
    forks, logits = runtime.read(runtime.select(row, [0, 0]), [ids[-2:], ids[-2:]])
    assert close(logits[1], expected[-2:])
    assert close(forks.logits[0], expected[-1])


@pytest.mark.parametrize("family", FAMILIES)
def test_generic_models(family: str) -> None:
    ids = text(20)
    expected = plain(build(family), ids)
    runtime = GenericRuntime(build(family).to(GPU))
    row = runtime.feed(runtime.empty(), [ids[:-2]])
    _, logits = runtime.read(runtime.select(row, [0, 0]), [ids[-2:], ids[-2:]])
    assert close(logits[1], expected[-2:])


def test_encoders(tiny: Tiny) -> None:
    row = [Piece(number, "", "") for number in (1, 2, 3)]
    found, expected = (
        load_masked(files_with(tiny("bert"), "masked"), quiet, device).mask_logits([row], [(0, 1)])
        for device in (GPU, resolve("cpu"))
    )
    assert close(found, expected)

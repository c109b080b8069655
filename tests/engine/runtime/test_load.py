"""Loading gives a model the runtimes that its heads call for, and tells how far it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import runtime
from engine.errors import EngineError
from engine.messages import Head
from engine.model import ModelFiles
from tests.conftest import Tiny


def files(folder: Path, *heads: Head) -> ModelFiles:
    return ModelFiles(
        id=folder.name,
        folder=folder,
        revision="",
        model_type="",
        heads=frozenset(heads),
        roles=(),
        languages=(),
        weight_bytes=0,
        memory=0,
    )


def quiet(stage: str, percent: float) -> None:
    """Report to nobody."""


def test_a_causal_model_gets_the_causal_runtime(tiny: Tiny) -> None:
    model = runtime.load(files(tiny("gpt2"), "causal"), quiet)
    assert model.causal is not None
    assert model.masked is None
    assert model.bytes == model.causal.bytes > 0


def test_one_encoder_serves_both_heads(tiny: Tiny) -> None:
    model = runtime.load(files(tiny("bert"), "masked", "next_sentence"), quiet)
    assert model.causal is None
    assert model.masked is not None
    assert model.bytes == model.masked.bytes > 0


@pytest.mark.parametrize(("kind", "head"), [("llama", "causal"), ("bert-mlm", "masked")])
def test_stages_are_told_in_order(tiny: Tiny, kind: str, head: Head) -> None:
    told: list[tuple[str, float]] = []
    runtime.load(files(tiny(kind), head), lambda stage, percent: told.append((stage, percent)))
    stages = list(dict.fromkeys(stage for stage, _ in told))
    assert stages == ["reading the tokenizer", "importing torch", "reading weights", "ready"]
    assert [percent for _, percent in told] == sorted(percent for _, percent in told)
    assert told[-1] == ("ready", 100.0)


def test_a_model_without_a_head_is_refused(tiny: Tiny) -> None:
    with pytest.raises(EngineError) as caught:
        runtime.load(files(tiny("bert")), quiet)
    assert caught.value.event.kind == "unable"

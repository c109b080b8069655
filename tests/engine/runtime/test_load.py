"""Loading gives a model the runtimes that its heads need, and reports its progress."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pytest
import transformers

from engine import runtime
from engine.errors import EngineError
from engine.interfaces import ModelFiles
from engine.messages import Head, Message, Precision, Words
from engine.precision import QUANTISED
from engine.runtime.generic import GenericRuntime
from engine.runtime.graph.decoder import GraphRuntime
from engine.runtime.packed.decoder import PackedRuntime
from tests.conftest import Tiny
from tests.support import bundles
from tests.support.bundles import quiet


def files(folder: Path, *heads: Head) -> ModelFiles:
    """With the type in its configuration, by which the runtime is chosen."""
    model_type = json.loads((folder / "config.json").read_text())["model_type"]
    found = bundles.files(folder, *heads)
    return dataclasses.replace(found, heads=frozenset(heads), model_type=model_type)


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
def test_stages_are_reported_in_order(tiny: Tiny, kind: str, head: Head) -> None:
    reports: list[tuple[Words, float]] = []
    runtime.load(files(tiny(kind), head), lambda stage, percent: reports.append((stage, percent)))
    stages = list(dict.fromkeys(stage for stage, _ in reports))
    assert stages == [
        Message(f"stage.{name}") for name in ("reading_tokenizer", "torch", "weights", "ready")
    ]
    assert [percent for _, percent in reports] == sorted(percent for _, percent in reports)
    assert reports[-1] == (Message("stage.ready"), 100.0)


def test_a_model_without_a_head_is_refused(tiny: Tiny) -> None:
    with pytest.raises(EngineError) as caught:
        runtime.load(files(tiny("bert")), quiet)
    assert caught.value.event.kind == "unable"


@pytest.mark.parametrize("precision", ["exact", "bf16", "int8", "int4"])
def test_the_form_asked_for_is_the_form_that_runs(tiny: Tiny, precision: Precision) -> None:
    folder = tiny("llama")
    model = runtime.load(files(folder, "causal"), quiet, precision)
    assert isinstance(model.causal, GraphRuntime if precision in QUANTISED else PackedRuntime)
    assert model.precision == precision
    assert model.causal.empty().memory == {}


def test_what_cannot_be_packed_runs_as_it_is_but_in_no_other_form(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tmp_path / "capped"
    config = transformers.Gemma3TextConfig(
        vocab_size=61,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        num_key_value_heads=2,
        head_dim=8,
        final_logit_softcapping=30.0,
    )
    shutil.copytree(tiny("llama"), folder)
    transformers.Gemma3ForCausalLM(config).save_pretrained(folder)
    capped = files(folder, "causal")
    assert isinstance(runtime.load(capped, quiet).causal, GenericRuntime)
    with pytest.raises(EngineError) as caught:
        runtime.load(capped, quiet, "int4")
    assert caught.value.event.kind == "unable"

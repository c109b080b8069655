from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForPreTraining,
)

from engine.messages import Head
from engine.store import checkpoint, heads
from tests.conftest import Tiny

EXPECTED: dict[str, set[Head]] = {
    "gpt2": {"causal"},
    "gpt2-sentencepiece": {"causal"},
    "llama": {"causal"},
    "qwen2": {"causal"},
    "bert": {"masked", "next_sentence"},
    "bert-mlm": {"masked"},
    "bert-nsp": {"next_sentence"},
    "albert": {"masked"},
    "albert-order": {"masked", "sentence_order"},
    "distilbert": {"masked"},
    "roberta": {"masked"},
    "modernbert": {"masked"},
}


def _config(model_type: str) -> dict[str, object]:
    return {"model_type": model_type}


def _shapes(*names: str) -> dict[str, tuple[int, ...]]:
    return dict.fromkeys(names, (2, 3))


@pytest.mark.parametrize("kind", EXPECTED)
def test_heads_of_real_checkpoints(kind: str, tiny: Tiny) -> None:
    assert checkpoint.read(tiny(kind)).heads == EXPECTED[kind]


@pytest.mark.parametrize(
    ("kind", "auto"),
    [
        ("gpt2", AutoModelForCausalLM),
        ("llama", AutoModelForCausalLM),
        ("qwen2", AutoModelForCausalLM),
        ("bert", AutoModelForPreTraining),
        ("albert", AutoModelForMaskedLM),
        ("modernbert", AutoModelForMaskedLM),
    ],
)
def test_memory_is_that_of_the_loaded_model(
    kind: str, auto: type[AutoModelForCausalLM], tiny: Tiny
) -> None:
    folder = tiny(kind)
    model = auto.from_pretrained(folder, dtype=torch.float32)
    loaded = sum(parameter.numel() * 4 for parameter in model.parameters())
    assert checkpoint.read(folder).memory == pytest.approx(loaded, rel=0.02)


# What a family's classes look like is asked of transformers itself, without any weights.


def _names(model_type: str, auto: type[AutoModelForCausalLM]) -> tuple[set[str], bool]:
    layers = {"attention_types": [[["global"], 1]], "num_layers": 1}
    settings = layers if model_type == "gpt_neo" else {"num_hidden_layers": 1}
    config = AutoConfig.for_model(model_type, **settings)
    with torch.device("meta"):
        model = auto.from_config(config)
    return set(model.state_dict()), config.tie_word_embeddings


@pytest.mark.parametrize("model_type", [name for name in heads.CAUSAL if name != "gpt_neox"])
def test_the_causal_table_agrees_with_transformers(model_type: str) -> None:
    spec = heads.CAUSAL[model_type]
    names, tied = _names(model_type, AutoModelForCausalLM)
    assert spec.output in names
    assert any(name.endswith("." + spec.embedding) for name in names)
    assert spec.tied == tied


def test_gpt_neox_keeps_its_old_names_in_files(tmp_path: Path) -> None:
    config = AutoConfig.for_model(
        "gpt_neox",
        num_hidden_layers=1,
        hidden_size=8,
        num_attention_heads=2,
        intermediate_size=8,
        vocab_size=16,
    )
    AutoModelForCausalLM.from_config(config).save_pretrained(tmp_path)
    assert checkpoint.read(tmp_path).heads == {"causal"}


@pytest.mark.parametrize("model_type", heads.MASKED)
def test_the_masked_table_agrees_with_transformers(model_type: str) -> None:
    spec = heads.MASKED[model_type]
    names, tied = _names(model_type, AutoModelForMaskedLM)
    assert tied
    assert {*spec.own, spec.output} <= names
    assert names & set(spec.bias)
    assert "masked" in heads.find(_config(model_type), dict.fromkeys(names, (1,)))


@pytest.mark.parametrize("model_type", heads.MASKED)
def test_a_masked_head_with_a_part_missing_is_none(model_type: str) -> None:
    names, _ = _names(model_type, AutoModelForMaskedLM)
    for part in heads.MASKED[model_type].own:
        rest = dict.fromkeys(names - {part}, (1,))
        assert heads.find(_config(model_type), rest) == frozenset()


def test_an_encoder_alone_has_no_head() -> None:
    assert heads.find(_config("bert"), _shapes("bert.embeddings.word_embeddings.weight")) == set()


def test_a_tied_head_needs_its_embedding_with_or_without_prefix() -> None:
    assert heads.find(_config("gpt2"), _shapes("wte.weight")) == {"causal"}
    assert heads.find(_config("gpt2"), _shapes("transformer.wte.weight")) == {"causal"}
    assert heads.find(_config("gpt2"), _shapes("h.0.attn.c_attn.weight")) == set()


def test_an_untied_head_needs_its_own_tensor() -> None:
    body = _shapes("model.embed_tokens.weight")
    tied = {"model_type": "llama", "tie_word_embeddings": True}
    assert heads.find(_config("llama"), body) == set()
    assert heads.find(tied, body) == {"causal"}
    assert heads.find(_config("llama"), body | _shapes("lm_head.weight")) == {"causal"}


def test_old_names_of_layer_norms_are_understood() -> None:
    names = [
        "bert.embeddings.word_embeddings.weight",
        "cls.predictions.bias",
        "cls.predictions.transform.dense.weight",
        "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.LayerNorm.gamma",
        "cls.predictions.transform.LayerNorm.beta",
    ]
    assert heads.find(_config("bert"), _shapes(*names)) == {"masked"}


def test_next_sentence_needs_the_pooler() -> None:
    head = ["cls.seq_relationship.weight", "cls.seq_relationship.bias"]
    pooler = ["bert.pooler.dense.weight", "bert.pooler.dense.bias"]
    assert heads.find(_config("bert"), _shapes(*head)) == set()
    assert heads.find(_config("bert"), _shapes(*head, *pooler)) == {"next_sentence"}


def test_sentence_order_needs_its_own_head() -> None:
    """The usual copy of ALBERT has the pooler, and nothing on top of it."""
    names, _ = _names("albert", AutoModelForPreTraining)
    assert heads.find(_config("albert"), dict.fromkeys(names, (1,))) == {"masked", "sentence_order"}
    for gone in (*heads.SENTENCE_ORDER["albert"], "predictions.dense.weight"):
        held = {name for name in names if not name.endswith(gone)}
        assert len(held) == len(names) - 1
        assert "sentence_order" not in heads.find(_config("albert"), dict.fromkeys(held, (1,)))


def test_buffers_and_tied_outputs_cost_no_memory() -> None:
    shapes = {
        "wte.weight": (10, 4),
        "lm_head.weight": (10, 4),
        "h.0.attn.bias": (1, 1, 64, 64),
        "h.0.attn.c_attn.bias": (12,),
    }
    assert heads.memory(_config("gpt2"), shapes) == 4 * (40 + 12)
    assert heads.tied(_config("gpt2"), shapes) == 4 * 40
    untied = {"model_type": "gpt2", "tie_word_embeddings": False}
    assert heads.memory(untied, shapes) == 4 * (40 + 40 + 12)
    assert heads.tied(untied, shapes) == 0


def test_a_causal_head_serves_all_three() -> None:
    assert heads.roles({"causal"}) == ("continue", "fill", "score")
    assert heads.roles({"masked"}) == ("fill",)
    assert heads.roles({"masked", "next_sentence"}) == ("fill", "score")
    assert heads.roles({"next_sentence"}) == ("score",)
    assert heads.roles({"masked", "sentence_order"}) == ("fill", "score")


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"model_type": "gpt2", "n_positions": 1024, "n_ctx": 1024}, 1024),
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "bloom"}, None),
        (
            {
                "model_type": "llama",
                "max_position_embeddings": 2048,
                "rope_scaling": {"type": "dynamic", "factor": 2.0},
            },
            4096,
        ),
        (
            {
                "model_type": "llama",
                "max_position_embeddings": 8192,
                "rope_parameters": {"rope_type": "yarn", "factor": 4.0},
            },
            8192,
        ),
    ],
)
def test_context(config: dict[str, object], context: int | None) -> None:
    assert heads.context(config) == context

"""Weights that are no numbers are refused by every way to ask a model, not answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import transformers

from engine.errors import EngineError
from engine.messages import Piece
from engine.runtime.generic import GenericRuntime
from engine.runtime.masked import EncoderRuntime
from engine.runtime.prefix_cache import PrefixCache
from engine.runtime.scoring import logprobs
from engine.runtime.soundness import sound

PIECES = [Piece(id=number, text="", piece="") for number in (1, 2, 3)]


def broken_gpt2() -> GenericRuntime:
    config = transformers.GPT2Config(vocab_size=9, n_positions=8, n_embd=8, n_layer=1, n_head=1)
    model = transformers.GPT2LMHeadModel(config).eval()
    model.requires_grad_(False)
    model.transformer.ln_f.weight.fill_(torch.nan)
    return GenericRuntime(model)


def broken_bert() -> EncoderRuntime:
    config = transformers.BertConfig(
        vocab_size=9, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8
    )
    model = transformers.BertForPreTraining(config).eval()
    model.requires_grad_(False)
    model.bert.embeddings.LayerNorm.weight.fill_(torch.nan)
    return EncoderRuntime(model, masked=True, next_sentence=True)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: list(PrefixCache(broken_gpt2()).prefill([1, 2])),
        lambda: list(logprobs(broken_gpt2(), [[1, 2, 3]])),
        lambda: broken_bert().mask_logits([PIECES], [(0, 1)]),
        lambda: broken_bert().next_sentence([PIECES]),
    ],
    ids=["continue", "causal score", "fill", "next sentence"],
)
def test_no_way_to_ask_gives_numbers_that_are_none(ask: Callable[[], object]) -> None:
    with pytest.raises(EngineError) as raised:
        ask()
    assert raised.value.event.kind == "broken_model"


@pytest.mark.parametrize("row", [[0.0, torch.nan], [torch.inf, 0.0], [-torch.inf, -torch.inf]])
def test_one_bad_row_is_enough(row: list[float]) -> None:
    with pytest.raises(EngineError):
        sound(torch.tensor([[0.0, 1.0], row]))


def test_words_that_a_model_rules_out_are_no_fault() -> None:
    logits = torch.tensor([[0.0, -torch.inf]])
    assert sound(logits) is logits

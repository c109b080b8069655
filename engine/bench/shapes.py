"""A model of random weights in the shape of one that cannot be shipped."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from transformers import GPT2Config, GPT2LMHeadModel

from engine.interfaces import ModelFiles
from engine.store.store import STARTER, Store

RINNA = "rinna-xsmall's shape"
"""rinna/japanese-gpt2-xsmall: 6 layers, width 512, 32,000 pieces. Speed does not depend on the
values of the weights."""


def rinna(place: Path) -> ModelFiles:
    """Write it to a folder below `place`, with the tokenizer of starter-ja."""
    folder = place / RINNA
    torch.manual_seed(0)
    config = GPT2Config(vocab_size=32_000, n_embd=512, n_layer=6, n_head=8)
    GPT2LMHeadModel(config).save_pretrained(folder)
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copy(STARTER / "starter-ja" / name, folder)
    return Store(place).find(str(folder))

"""Models on small servers, connected as the engine does it, and what they answer."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import tokenizers
import torch
import transformers
from msgspec import structs
from tokenizers.decoders import ByteLevel as ByteLevelText
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from engine import runtime
from engine.errors import EngineError
from engine.messages import GREEDY, BranchDone, Continue, Sampling, ServerEntry, Token
from engine.runtime.loaded import LoadedModel
from engine.store.store import Store
from engine.tasks import continuation
from tests.support.bundles import quiet
from tests.support.model_server import NAME, Kind, ModelServer, serving

PROMPT = "The city was quiet"
CLOSE = 1e-4


@contextmanager
def served(folder: Path, kind: Kind, tmp_path: Path) -> Iterator[tuple[LoadedModel, ModelServer]]:
    """A model of a server that runs until the block ends."""
    with serving(folder, kind) as server:
        yield connected(server, folder, tmp_path), server


def by_letters(folder: Path, end: float = -30.0, pair: str = "") -> Path:
    """A GPT-2 that writes letter by letter, so that every text of its own is cut into the same
    tokens again, unless a `pair` of letters is cut into one token, which it never draws; `end` is
    the logit of the end. It draws no parts of characters: some servers say nothing of them."""
    folder.mkdir()
    letters = [chr(code) for code in range(ord("!"), ord("~") + 1)]
    rest = sorted(set(ByteLevel.alphabet()) - set(letters))
    texts = ["<|end|>", *letters, *rest, *([pair] if pair else [])]
    vocabulary = {text: number for number, text in enumerate(texts)}
    tokenizer = tokenizers.Tokenizer(BPE(vocabulary, [(pair[0], pair[1])] if pair else []))
    tokenizer.pre_tokenizer, tokenizer.decoder = ByteLevel(add_prefix_space=False), ByteLevelText()
    tokenizer.add_special_tokens(["<|end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    named = {"bos_token": "<|end|>", "eos_token": "<|end|>", "tokenizer_class": "GPT2Tokenizer"}
    (folder / "tokenizer_config.json").write_text(json.dumps(named))
    torch.manual_seed(0)
    size = {"n_positions": 96, "n_embd": 32, "n_layer": 2, "n_head": 4, "initializer_range": 0.2}
    config = transformers.GPT2Config(
        vocab_size=len(vocabulary),
        bos_token_id=0,
        eos_token_id=0,
        tie_word_embeddings=False,
        **size,
    )
    model = transformers.GPT2LMHeadModel(config)
    with torch.no_grad():
        # What the last norm gives one dimension is the same everywhere, and shifts each logit by
        # the token's own weight there.
        model.transformer.ln_f.weight[0], model.transformer.ln_f.bias[0] = 0.0, 1.0
        model.lm_head.weight[:, 0] = -30.0
        model.lm_head.weight[1 : 1 + len(letters), 0] = 0.0
        model.lm_head.weight[0, 0] = end
    model.save_pretrained(folder)
    return folder


def entry(server: ModelServer, folder: Path, **more: Any) -> ServerEntry:
    """What the settings would say of it."""
    return ServerEntry(url=f"{server.root}/v1", model=NAME, tokenizer=str(folder), **more)


def connected(server: ModelServer, folder: Path, tmp_path: Path, **more: Any) -> LoadedModel:
    """The model of a server."""
    listed = entry(server, folder, **more)
    store = Store(tmp_path / "store", served=[listed])
    return runtime.load(store.find(listed.id), quiet)


def continued(
    model: LoadedModel, sampling: Sampling = GREEDY, prompt: str | list[int] = PROMPT, **more: Any
) -> tuple[list[Token], list[BranchDone]]:
    """The tokens that continue a prompt, and how the branches ended."""
    request = Continue(model="m", prompt=prompt, sampling=sampling, max_tokens=24, top=5)
    events = list(continuation.run(model, structs.replace(request, **more), 0.0))
    tokens = [event for event in events if isinstance(event, Token)]
    return tokens, [event for event in events if isinstance(event, BranchDone)]


def alike(ours: Sequence[Token], theirs: Sequence[Token]) -> None:
    """Compare what a server's model gave with what the same weights gave here."""
    assert [token.id for token in theirs] == [token.id for token in ours]
    for own, other in zip(ours, theirs, strict=True):
        assert other.text == own.text
        assert other.logprob == pytest.approx(own.logprob, abs=CLOSE)
        assert other.entropy is None and other.normaliser is None


def refused(error: pytest.ExceptionInfo[EngineError]) -> str:
    """The name of a refusal."""
    return str(error.value.event.message).partition(".message")[0]

"""Tokens that the tokenizer knows and the weights do not, and the other way round."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import transformers

from engine.errors import EngineError
from engine.messages import (
    GREEDY,
    MASK,
    Continue,
    Event,
    Fill,
    FillResult,
    Find,
    PseudoLikelihood,
    Score,
    Token,
    Trace,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import (
    continuation,
    continuity,
    finding,
    masking,
    pseudo_likelihood,
    tracing,
)
from tests.conftest import Tiny
from tests.support.bundles import load
from tui.strings import worded

ADDED = "zorp"
SPARE = 7


@pytest.fixture(scope="module")
def bert(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    """Its tokenizer has a token more than its embedding has rows."""
    folder = tmp_path_factory.mktemp("added") / "bert"
    shutil.copytree(tiny("bert"), folder)
    (folder / "added_tokens.json").write_text(json.dumps({ADDED: 6000}))
    model = load(folder, "masked", "next_sentence")
    assert model.tokenizer.find(ADDED) == 6000
    return model


@pytest.fixture(scope="module")
def gpt2(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> LoadedModel:
    folder = tmp_path_factory.mktemp("added") / "gpt2"
    shutil.copytree(tiny("gpt2"), folder)
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    (folder / "added_tokens.json").write_text(json.dumps({ADDED: size}))
    model = load(folder, "causal")
    assert model.tokenizer.find(ADDED) == size
    return model


def pll(model: LoadedModel, text: str) -> Iterator[Event | None]:
    return pseudo_likelihood.run(model, PseudoLikelihood(model="m", text=text), 0.0)


def score(model: LoadedModel, a: str, *, cosine: bool = False) -> Iterator[Event | None]:
    return continuity.score_pair(model, Score(model="m", a=a, b="It was a game.", cosine=cosine))


def fill(model: LoadedModel, text: str, **fields: object) -> list[Event | None]:
    return list(masking.run(model, Fill(model="m", text=text, **fields), 0.0))  # type: ignore[arg-type]


BERT: list[Callable[[LoadedModel], object]] = [
    lambda model: fill(model, f"{ADDED} {MASK}"),
    lambda model: list(pll(model, f"{ADDED} played")),
    lambda model: list(score(model, f"{ADDED} played")),
    lambda model: list(score(model, f"{ADDED} played", cosine=True)),
]
GPT2: list[Callable[[LoadedModel], object]] = [
    lambda model: list(continuation.run(model, Continue(model="m", prompt=ADDED), 0.0)),
    lambda model: list(
        continuation.run(model, Continue(model="m", prompt="", begin=ADDED, max_tokens=0), 0.0)
    ),
    lambda model: fill(model, f"{ADDED} {MASK}"),
    lambda model: fill(model, f"{MASK} {ADDED}"),
    lambda model: list(score(model, f"{ADDED} played")),
    lambda model: list(
        finding.run(model, Find(model="m", ids=[model.tokenizer.find(ADDED) or 0]), 0.0)
    ),
    lambda model: list(
        tracing.run(model, Trace(model="m", ids=[5], sampling=GREEDY, watch=10**6), 0.0)
    ),
]


@pytest.mark.parametrize("ask", BERT)
def test_a_token_without_weights_is_refused_by_name(
    bert: LoadedModel, ask: Callable[[LoadedModel], object]
) -> None:
    with pytest.raises(EngineError) as refusal:
        ask(bert)
    assert ADDED in worded(refusal.value.event.message)
    assert "6000" in worded(refusal.value.event.message)


@pytest.mark.parametrize("ask", GPT2)
def test_so_it_is_by_a_causal_model(
    gpt2: LoadedModel, ask: Callable[[LoadedModel], object]
) -> None:
    with pytest.raises(EngineError) as refusal:
        ask(gpt2)
    assert refusal.value.event.kind in ("unable", "bad_request")


@pytest.mark.parametrize("name", ["bert", "gpt2"])
def test_as_a_word_asked_for_it_has_no_figure(name: str, request: pytest.FixtureRequest) -> None:
    model: LoadedModel = request.getfixturevalue(name)
    events = fill(model, f"I {MASK} baseball", words=[ADDED, "I"], hidden=[ADDED])
    (result,) = [event for event in events if isinstance(event, FillResult)]
    (mask,) = result.masks
    assert mask.hidden is not None
    assert mask.hidden.prob is None
    assert mask.words[0].logprob is None
    assert mask.words[1].logprob is not None


def test_a_search_at_the_end_of_the_context_keeps_within_it(gpt2: LoadedModel) -> None:
    assert gpt2.causal is not None and gpt2.causal.context is not None
    ids = [5] * gpt2.causal.context
    assert list(finding.run(gpt2, Find(model="m", ids=ids, query="qqxxzz"), 0.0))


def test_rows_that_no_token_has_read_as_nothing_and_can_be_gone_on_from(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = tmp_path / "spare"
    shutil.copytree(tiny("gpt2"), folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    size = model.config.vocab_size
    model.resize_token_embeddings(size + SPARE, mean_resizing=False)
    with torch.no_grad():
        model.lm_head.weight[size + 3] = 3 * model.lm_head.weight[1:6].sum(0)
    model.save_pretrained(folder)
    loaded = load(folder, "causal")
    ask = Continue(model="m", prompt="Once upon", sampling=GREEDY, max_tokens=12)
    drawn = [e for e in continuation.run(loaded, ask, 0.0) if isinstance(e, Token)]
    spare = [token for token in drawn if token.id >= size]
    assert spare
    assert not any(token.text for token in spare)
    ids = [piece.id for piece in loaded.tokenizer.prompt("Once upon")]
    ids += [token.id for token in drawn]
    again = Continue(model="m", prompt=ids, begin=[size + 3], sampling=GREEDY, max_tokens=2)
    assert any(isinstance(event, Token) for event in continuation.run(loaded, again, 0.0))

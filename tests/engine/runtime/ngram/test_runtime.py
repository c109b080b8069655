"""An n-gram model as a causal one: found by the store, loaded, and asked like any other."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from engine import runtime
from engine.errors import EngineError
from engine.messages import (
    Continue,
    PmiResult,
    Score,
    ScoredBy,
    ScorePairs,
    ScoreTexts,
    TextScore,
    Token,
)
from engine.messages.parts import GREEDY
from engine.runtime.loaded import LoadedModel
from engine.runtime.ngram.runtime import NgramRuntime
from engine.store.store import Store
from engine.tasks import continuation, continuity, text_scoring
from engine.tasks.continuity import score_pair
from tests.support.families import finish

TEXT = "the cat sat on the mat.\nthe dog sat on the cat.\na dog saw the cat and the mat.\n" * 2


@pytest.fixture
def model(tmp_path: Path) -> LoadedModel:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    store = Store(tmp_path / "store")
    return runtime.load(store.find(f"3-gram:{file}"), lambda stage, percent: None)


def own(model: LoadedModel) -> NgramRuntime:
    assert isinstance(model.causal, NgramRuntime)
    return model.causal


def test_the_store_knows_it_by_its_order_and_its_text(tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT)
    store = Store(tmp_path / "store", [Path(f"ngram:{file}"), Path(f"2-gram:{tmp_path}/none")])
    found, missing = store.models()[-2:]
    assert (found.id, found.heads, found.state) == (f"5-gram:{file}", ["causal"], "on_disk")
    assert missing.state == "failed"
    before = store.find(f"2-gram:{file}").revision
    file.write_text(TEXT + "more\n")
    assert store.find(f"2-gram:{file}").revision != before
    for name, kind in ((f"6-gram:{file}", "unknown_model"), ("ngram:/none", "broken_model")):
        with pytest.raises(EngineError) as refused:
            store.find(name)
        assert refused.value.event.kind == kind


def test_rows_are_fed_read_forked_and_cropped(model: LoadedModel) -> None:
    causal = own(model)
    ids = [piece.id for piece in model.tokenizer.prompt("the cat sat on the")]
    whole, logits = causal.read(causal.empty(), [ids])
    assert logits.shape == (1, len(ids), causal.vocabulary)
    assert torch.allclose(logits[..., :].exp().sum(-1), torch.ones(1, len(ids)), atol=1e-5)
    fed = causal.feed(causal.empty(), [ids])
    assert torch.equal(fed.logits, whole.logits) and torch.equal(fed.logits, logits[:, -1])
    forked = causal.feed(causal.select(fed, [0, 0]), [[3], [4]])
    assert forked.rows == 2 and forked.length == len(ids) + 1
    back = causal.crop(forked, 2)
    assert back.logits.isnan().all()
    again, _ = causal.read(back, [ids[2:], ids[2:]])
    assert torch.allclose(again.logits, fed.logits.expand(2, -1))
    with pytest.raises(EngineError):
        causal.states([ids])


def test_a_text_has_the_probabilities_of_the_counts(model: LoadedModel) -> None:
    causal = own(model)
    texts = ["the cat sat on the mat.", "the zebra sat", "mat"]
    request = ScoreTexts(model="m", texts=texts, after=True)
    by, *events, _ = text_scoring.run(model, request, 0.0)
    assert isinstance(by, ScoredBy) and by.start == "<s>" and by.revision
    for event in filter(None, events):
        assert isinstance(event, TextScore) and event.after is not None
        ids = [piece.id for piece in model.tokenizer.prompt(texts[event.index])]
        for place, token in enumerate(event.tokens, 1):
            after = causal._model.distribution(ids[:place])
            assert token.logprob == pytest.approx(math.log(after[ids[place]]), abs=1e-5)
            assert token.rank == 1 + (after > after[ids[place]]).sum()
            entropy = -sum(p * math.log(p) for p in after if p)
            assert token.entropy == pytest.approx(entropy, abs=1e-4)


def test_it_continues_a_text_and_has_no_inside(model: LoadedModel, tmp_path: Path) -> None:
    request = Continue(model="m", prompt="the dog sat", sampling=GREEDY, max_tokens=3)
    events = filter(None, continuation.run(model, request, 0.0))
    assert "".join(event.text for event in events if isinstance(event, Token)) == " on the cat"
    with pytest.raises(EngineError):
        runtime.load_to_look(model.files, lambda stage, percent: None)


def test_pairs_are_judged_without_a_cosine(model: LoadedModel) -> None:
    request = Score(model="m", a="the cat sat", b="a dog", cosine=True)
    ((result,), _) = finish(score_pair(model, request))
    assert isinstance(result, PmiResult)
    asked = ScorePairs(model="m", pairs=[("the cat", "a dog")], cosine=True)
    with pytest.raises(EngineError):
        list(continuity.run_pairs(model, asked, 0.0))

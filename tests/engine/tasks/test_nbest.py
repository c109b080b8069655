"""The likeliest continuations, against every continuation there is."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.errors import EngineError
from engine.messages import Done, NBest, NBestResult, Progress
from engine.runtime.loaded import LoadedModel
from engine.tasks import nbest
from tests.conftest import Tiny
from tests.engine.tasks.test_continuation_parity import folder_of, load
from tests.support.fake_models import ByteTokenizer, FunctionModel, dreaming, loaded


def found(model: LoadedModel, request: NBest) -> NBestResult:
    *steps, answer, done = [e for e in nbest.run(model, request, 0.0) if e is not None]
    assert all(isinstance(step, Progress) for step in steps)
    assert isinstance(answer, NBestResult)
    assert isinstance(done, Done)
    return answer


@pytest.mark.parametrize("name", ["gpt2", "llama"])
@pytest.mark.parametrize(("n", "length"), [(1, 1), (7, 1), (20, 2)])
def test_none_is_likelier_among_all_there_are(
    tiny: Tiny, name: str, n: int, length: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tiny random model is nearly flat, which is the hardest case: all is searched."""
    monkeypatch.setattr(nbest, "READS", 10**6)
    monkeypatch.setattr(nbest, "WIDTH", 10**6)
    folder = folder_of(name, tiny)
    model = load(folder)
    answer = found(model, NBest(model=name, prompt="ab", n=n, max_tokens=length))
    prompt = [piece.id for piece in model.tokenizer.prompt("ab")]
    plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    assert model.causal is not None
    vocabulary, ends = model.causal.vocabulary, model.tokenizer.ends
    with torch.inference_mode():
        first = plain(torch.tensor([prompt])).logits[0, -1].log_softmax(-1)
        costs: dict[tuple[int, ...], float] = {(a,): float(first[a]) for a in range(vocabulary)}
        if length == 2:
            rows = torch.tensor([[*prompt, a] for a in range(vocabulary)])
            second = plain(rows).logits[:, -1].log_softmax(-1)
            both = (first[:, None] + second).tolist()
            ended = {path: cost for path, cost in costs.items() if path[0] in ends}
            pairs = itertools.product(range(vocabulary), repeat=2)
            costs = ended | {(a, b): both[a][b] for a, b in pairs if a not in ends}
    best = sorted(costs.values(), reverse=True)[:n]
    assert [path.logprob for path in answer.paths] == pytest.approx(best, abs=1e-4)
    for path in answer.paths:
        assert path.logprob == pytest.approx(costs[tuple(path.ids)], abs=1e-4)
    assert answer.complete


def test_the_bundled_model_gives_texts_that_score_as_reported(tiny: Tiny) -> None:
    model = load(folder_of("starter-ja", tiny))
    answer = found(model, NBest(model="m", prompt="羽田空港に到着、東京の街は", n=5, max_tokens=3))
    assert answer.complete
    logprobs = [path.logprob for path in answer.paths]
    assert logprobs == sorted(logprobs, reverse=True)
    assert sum(map(math.exp, logprobs)) < 1
    assert len({path.text for path in answer.paths}) == 5


def test_a_search_that_gives_up_reports_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nbest, "READS", 3)
    model = loaded(FunctionModel(dreaming))
    answer = found(model, NBest(model="fake", prompt="p", n=1000, max_tokens=8))
    assert not answer.complete


def test_a_masked_model_has_no_continuations(tiny: Tiny) -> None:
    model = loaded(FunctionModel(dreaming), ByteTokenizer())
    model.causal = None
    with pytest.raises(EngineError):
        found(model, NBest(model="fake", prompt="p"))

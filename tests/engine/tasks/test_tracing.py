"""The sampler view against transformers' processors by hand, and against continuations."""

from __future__ import annotations

import math

import pytest
import torch
from msgspec import structs
from transformers import AutoModelForCausalLM

from engine.decoding.sampling import processors
from engine.errors import EngineError
from engine.messages import GREEDY, Continue, Done, Sampling, Token, Trace, Traced
from engine.runtime.loaded import LoadedModel
from engine.tasks import continuation, tracing
from tests.conftest import Tiny
from tests.engine.tasks.test_continuation_parity import folder_of, load
from tests.support.fake_models import FunctionModel, dreaming, loaded

SAMPLING = Sampling(
    temperature=0.7,
    top_k=40,
    top_p=0.9,
    min_p=0.02,
    typical_p=0.95,
    repetition_penalty=1.2,
    seed=11,
)


def traced(model: LoadedModel, request: Trace) -> Traced:
    answer, done = [event for event in tracing.run(model, request, 0.0) if event is not None]
    assert isinstance(answer, Traced)
    assert isinstance(done, Done)
    return answer


@pytest.mark.parametrize("name", ["gpt2", "llama", "starter-ja"])
@pytest.mark.parametrize("branches", [1, 3])
def test_every_draw_of_a_continuation_is_made_again(tiny: Tiny, name: str, branches: int) -> None:
    model = load(folder_of(name, tiny))
    request = Continue(
        model=name, prompt="東京", sampling=SAMPLING, max_tokens=8, branches=branches, top=0
    )
    start = [piece.id for piece in model.tokenizer.prompt("東京")]
    paths: dict[int, list[int]] = {branch: list(start) for branch in range(branches)}
    for event in continuation.run(model, request, 0.0):
        if isinstance(event, Token):
            path = paths[event.branch]
            trace = Trace(model=name, ids=path, sampling=SAMPLING, branch=event.branch)
            answer = traced(model, trace)
            assert answer.drawn == event.id
            last = answer.steps[-1]
            assert last.logprob == pytest.approx(event.sampled_logprob, abs=1e-4)
            assert answer.steps[0].rank == event.rank
            paths[event.branch] = [*path, event.id]


def test_the_steps_are_the_processors_one_after_the_other(tiny: Tiny) -> None:
    folder = folder_of("starter-ja", tiny)
    model = load(folder)
    ids = [piece.id for piece in model.tokenizer.prompt("羽田空港に到着、東京の街は")]
    answer = traced(model, Trace(model="m", ids=ids, sampling=SAMPLING, watch=ids[-1], top=5))
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        scores = plain(torch.tensor([ids])).logits[:, -1]
    assert [step.name for step in answer.steps] == ["", *processors(SAMPLING)]
    for step in answer.steps:
        before = scores
        if step.name:
            scores = processors(SAMPLING)[step.name](torch.tensor([ids]), scores)
            assert step.value == getattr(SAMPLING, step.name)
        probabilities = scores.softmax(-1)[0]
        possible = probabilities > 0
        assert step.kept == int(possible.sum())
        assert step.removed == pytest.approx(
            float(before.softmax(-1)[0][~possible].sum()), abs=1e-4
        )
        best = probabilities.topk(min(5, step.kept)).values.log().tolist()
        assert [other.logprob for other in step.top] == pytest.approx(best, abs=1e-3)
        own = float(probabilities[ids[-1]])
        if own:
            assert step.logprob == pytest.approx(math.log(own), abs=1e-3)
        else:
            assert step.logprob is step.rank is None


def test_other_parameters_change_the_draw_and_not_its_noise(tiny: Tiny) -> None:
    model = load(folder_of("starter-ja", tiny))
    ids = [piece.id for piece in model.tokenizer.prompt("東京")]
    hot = Trace(model="m", ids=ids, sampling=Sampling(temperature=5.0, top_p=1.0, seed=4))
    assert traced(model, hot).drawn == traced(model, hot).drawn
    cold = structs.replace(hot, sampling=Sampling(temperature=0.01, top_p=1.0, seed=4))
    greedy = traced(model, structs.replace(hot, sampling=GREEDY))
    assert traced(model, cold).drawn == greedy.drawn
    assert [step.name for step in greedy.steps] == [""]


def test_a_place_needs_ids() -> None:
    with pytest.raises(EngineError):
        list(
            tracing.run(
                loaded(FunctionModel(dreaming)), Trace(model="f", ids=[], sampling=GREEDY), 0
            )
        )

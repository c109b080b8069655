"""Searching a vocabulary, against the whole distribution that transformers gives."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from transformers import AutoModelForCausalLM

from engine.decoding import token_stats
from engine.errors import EngineError
from engine.messages import Done, Find, Found
from engine.runtime.loaded import LoadedModel
from engine.tasks import finding
from tests.conftest import Tiny
from tests.engine.tasks.test_continuation_parity import folder_of, load
from tests.support.fake_models import VOCABULARY, FunctionModel, dreaming, loaded

CAUSAL = ("gpt2", "llama", "starter-ja")


def found(model: LoadedModel, request: Find) -> Found:
    answer, done = [event for event in finding.run(model, request, 0.0) if event is not None]
    assert isinstance(answer, Found)
    assert isinstance(done, Done)
    return answer


@pytest.mark.parametrize("name", CAUSAL)
@pytest.mark.parametrize("query", ["", "a", "の", "IT"])
def test_finds_are_all_that_hold_the_text_with_their_place(
    tiny: Tiny, name: str, query: str
) -> None:
    folder = folder_of(name, tiny)
    model = load(folder)
    ids = [piece.id for piece in model.tokenizer.prompt("a b の 街")]
    with torch.inference_mode():
        plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
        logits = plain(torch.tensor([ids])).logits[0, -1]
    logprobs = logits.log_softmax(-1)
    answer = found(model, Find(model=name, ids=ids, query=query, limit=1000))
    single = [match for match in answer.matches if match.rank is not None]
    expected = {
        number
        for number in range(model.tokenizer.vocabulary)
        if query.casefold() in model.tokenizer.token(number).text.casefold()
    }
    assert answer.tokens == len(expected)
    assert len(single) == min(1000, len(expected))
    for match in single:
        (number,) = match.ids
        assert number in expected
        assert match.logprob == pytest.approx(float(logprobs[number]), abs=1e-4)
        assert match.rank is not None
        assert abs(match.rank - 1 - int((logits > logits[number]).sum())) <= 1
    if not query:
        assert [match.rank for match in single[:5]] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", CAUSAL)
def test_a_word_of_several_tokens_is_scored_whole(tiny: Tiny, name: str) -> None:
    folder = folder_of(name, tiny)
    model = load(folder)
    ids = [piece.id for piece in model.tokenizer.prompt("街は")]
    word = "東京の街"
    whole = [m for m in found(model, Find(model=name, ids=ids, query=word)).matches if not m.rank]
    assert whole
    for match in whole:
        assert match.text.strip() == word
        assert model.tokenizer.decode(match.ids).strip() == word
        sequence = torch.tensor([[*ids, *match.ids]])
        with torch.inference_mode():
            plain = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
            logprobs = plain(sequence).logits[0].log_softmax(-1)
        parts = [float(logprobs[len(ids) - 1 + n, number]) for n, number in enumerate(match.ids)]
        assert match.logprob == pytest.approx(sum(parts), abs=1e-3)


def test_what_a_model_rules_out_is_no_alternative_and_not_found() -> None:
    def only_two(ids: Sequence[int]) -> torch.Tensor:
        logits = torch.full((VOCABULARY,), -torch.inf)
        logits[97], logits[98] = 1.0, 0.0
        return logits

    answer = found(loaded(FunctionModel(only_two)), Find(model="m", ids=[1]))
    assert [match.ids for match in answer.matches] == [[97], [98]]
    (reading,) = token_stats.read(only_two([])[None], [97], 9)
    assert [number for number, _ in reading.top] == [97, 98]


@pytest.mark.parametrize("ids", [[], [VOCABULARY], [-1]])
def test_a_place_must_be_one(ids: list[int]) -> None:
    with pytest.raises(EngineError) as caught:
        list(finding.run(loaded(FunctionModel(dreaming)), Find(model="fake", ids=ids), 0.0))
    assert caught.value.event.kind == "bad_request"

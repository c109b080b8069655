"""Continuity: equal to transformers' next-sentence head; PMI by its own definition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import pytest
import torch
import transformers

from engine import messages
from engine.errors import EngineError
from engine.messages import (
    Done,
    NspDirection,
    NspResult,
    PairScore,
    Piece,
    PmiDirection,
    PmiResult,
    Score,
    ScorePairs,
)
from engine.model import LoadedModel
from engine.tasks import continuity
from tests.conftest import Tiny
from tests.engine.bundles import SHARED, STARTER, load

A, B = "What is baseball ?", "It is a geme of hitting the ball with the bat."


@pytest.fixture(scope="module")
def english() -> LoadedModel:
    return load(STARTER / "starter-en", "masked", "next_sentence")


def score(model: LoadedModel, a: str, b: str) -> NspResult | PmiResult:
    events = list(continuity.run(model, Score(model=model.files.id, a=a, b=b), 0.0))
    result, done = (event for event in events if event is not None)
    assert isinstance(result, NspResult | PmiResult)
    assert isinstance(done, Done)
    return result


def pmi(model: LoadedModel, a: str, b: str) -> PmiResult:
    result = score(model, a, b)
    assert isinstance(result, PmiResult)
    return result


def refused(model: LoadedModel, a: str, b: str) -> messages.Error:
    with pytest.raises(EngineError) as refusal:
        list(continuity.run(model, Score(model="m", a=a, b=b), 0.0))
    return refusal.value.event


def test_next_sentence_equals_transformers(english: LoadedModel) -> None:
    folder = english.files.folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    reference = transformers.BertForNextSentencePrediction.from_pretrained(
        folder, dtype=torch.float32
    )
    result = score(english, A, B)
    assert isinstance(result, NspResult)
    there, back = tokenizer(A, B, return_tensors="pt"), tokenizer(B, A, return_tensors="pt")
    with torch.no_grad():
        expected = [reference(**inputs).logits[0] for inputs in (there, back)]
    directions: list[NspResult | NspDirection] = [result, result.reversed]
    for got, logits in zip(directions, expected, strict=True):
        assert got.logits == pytest.approx(logits.tolist(), abs=1e-5)
        assert got.margin == pytest.approx(float(logits[0] - logits[1]), abs=1e-5)
        assert got.probability == pytest.approx(float(logits.softmax(0)[0]), abs=1e-6)
    assert [p.id for p in result.tokens] == there.input_ids[0].tolist()
    assert [p.segment for p in result.tokens] == there.token_type_ids[0].tolist()
    assert result.attention_mask == there.attention_mask[0].tolist()


def reference_logprobs(model: LoadedModel, ids: list[int]) -> list[float]:
    plain = transformers.AutoModelForCausalLM.from_pretrained(
        model.files.folder, dtype=torch.float32
    )
    with torch.no_grad():
        logprobs = plain(torch.tensor([ids])).logits[0].double().log_softmax(1)
    found = logprobs[:-1].gather(1, torch.tensor(ids[1:])[:, None])
    return [float(x) for x in found[:, 0]]


@pytest.mark.parametrize(
    ("kind", "a", "b", "join"),
    [
        ("gpt2", A, B, " "),
        ("llama", A, B, " "),
        ("starter-ja", "昨日は雨でした。", "今日は晴れです。", ""),
        ("starter-ja", "Hello", "今日は", ""),
        ("starter-ja", "東京。", "Hello", ""),
        ("gpt2", "안녕", "세상", " "),
    ],
)
def test_pmi_is_its_definition(kind: str, a: str, b: str, join: str, tiny: Tiny) -> None:
    model = load(STARTER / kind if kind == "starter-ja" else tiny(kind), "causal")
    tokenizer = model.tokenizer
    for first, second, got in (
        (a, b, pmi(model, a, b)),
        (b, a, pmi(model, a, b).reversed),
    ):
        pieces = tokenizer.encode(first + join + second)
        cut = sum(1 for p in pieces if p.end is not None and p.end <= len(first))
        before, after = [p.id for p in pieces[:cut]], [p.id for p in pieces[cut:]]
        assert before and after
        assert tokenizer.start is not None
        conditional = reference_logprobs(model, [tokenizer.start, *before, *after])[-len(after) :]
        alone = reference_logprobs(model, [tokenizer.start, *after])
        assert got.logprob_conditional == pytest.approx(sum(conditional), abs=1e-3)
        assert got.logprob_alone == pytest.approx(sum(alone), abs=1e-3)
        bits = (sum(conditional) - sum(alone)) / math.log(2)
        assert got.bits == pytest.approx(bits, abs=2e-3)
        assert got.bits_per_token == pytest.approx(bits / len(after), abs=1e-3)
        assert [t.id for t in got.tokens] == after
        assert [t.conditional for t in got.tokens] == pytest.approx(conditional, abs=1e-3)
        assert [t.alone for t in got.tokens] == pytest.approx(alone, abs=1e-3)
    assert pmi(model, a, b).join == join


def test_spaces_at_the_join_change_nothing(tiny: Tiny) -> None:
    model = load(tiny("gpt2"), "causal")
    assert pmi(model, A + "  \n", " " + B) == pmi(model, A, B)


def test_a_piece_across_the_join_belongs_to_b(tiny: Tiny) -> None:
    model = load(tiny("gpt2"), "causal")
    result = pmi(model, "I played", "with")
    assert "".join(token.text for token in result.tokens) == " with"
    assert result.start == "<|endoftext|>"


def test_without_a_start_token_the_first_id_leaves_both_terms(tiny: Tiny) -> None:
    model = load(tiny("qwen2"), "causal")
    assert model.tokenizer.start is None
    result = pmi(model, A, B)
    assert result.start is None
    assert (result.tokens[0].conditional, result.tokens[0].alone) == (None, None)
    ids = [p.id for p in model.tokenizer.encode(f"{A} {B}")]
    after = [token.id for token in result.tokens]
    assert ids[-len(after) :] == after
    conditional = reference_logprobs(model, ids)[-len(after) + 1 :]
    alone = reference_logprobs(model, after)
    assert result.logprob_conditional == pytest.approx(sum(conditional), abs=1e-3)
    assert result.logprob_alone == pytest.approx(sum(alone), abs=1e-3)
    assert result.bits_per_token == pytest.approx(result.bits / len(alone))


def test_the_catalogue_can_name_the_start_token(tiny: Tiny) -> None:
    model = load(tiny("qwen2"), "causal", start_token="<|endoftext|>")
    result = pmi(model, A, B)
    assert result.start == "<|endoftext|>"
    assert result.tokens[0].alone is not None


def test_too_little_text_without_a_start_token_is_refused(tiny: Tiny) -> None:
    assert refused(load(tiny("qwen2"), "causal"), "a", "b").kind == "bad_request"


@pytest.mark.parametrize(("a", "b", "side"), [("", "b", "A"), ("a", " \n", "B")])
def test_an_empty_side_is_refused(a: str, b: str, side: str, english: LoadedModel) -> None:
    error = refused(english, a, b)
    assert error.kind == "bad_request"
    assert f"Text {side}" in error.message


def test_texts_beyond_the_context_are_refused(english: LoadedModel, tiny: Tiny) -> None:
    assert refused(english, "a " * 100, "b " * 100).kind == "too_long"
    error = refused(load(tiny("gpt2"), "causal"), "a " * 100, "b")
    assert error.kind == "too_long"
    assert "96" in error.message


def test_a_masked_model_without_the_head_says_so(tiny: Tiny) -> None:
    assert refused(load(tiny("bert-mlm"), "masked"), "a", "b").kind == "unable"


def test_a_real_model_finds_the_story_that_goes_on() -> None:
    folder = SHARED / "stories260k-llama"
    if not folder.exists():
        pytest.skip(f"{folder} is not on this machine")
    model = load(folder, "causal")
    story = "Once upon a time, there was a little girl named Lily."
    good = pmi(model, story, "She loved to play outside.")
    bad = pmi(model, story, "The rocket engine burned.")
    assert good.bits > bad.bits


# --------------------------------------------------------------------------- many pairs


SENTENCES = [
    "What is baseball ?",
    "It is a geme of hitting the ball with the bat.",
    "This food is made with flour and milk.",
    "Yes.",
    "The train came late, and the city was quiet in the morning.",
]


def scored(model: LoadedModel, pairs: list[tuple[str, str]]) -> dict[int, PairScore]:
    events = list(continuity.run_pairs(model, ScorePairs(model="m", pairs=pairs), 0.0))
    assert isinstance(events[-1], Done)
    found = {event.index: event for event in events if isinstance(event, PairScore)}
    assert sorted(found) == list(range(len(pairs)))
    assert None in events
    return found


def numbers(result: NspResult | PmiResult | NspDirection | PmiDirection | None) -> list[float]:
    if isinstance(result, NspResult | NspDirection):
        return [*result.logits, result.margin, result.probability]
    assert isinstance(result, PmiResult | PmiDirection)
    values = [result.logprob_conditional, result.logprob_alone, result.bits]
    return values + [token.alone or 0.0 for token in result.tokens]


@pytest.mark.parametrize("kind", ["starter-en", "gpt2", "qwen2"])
def test_many_pairs_are_scored_as_each_is_alone(
    kind: str, english: LoadedModel, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(continuity, "BATCH_TOKENS", 70)
    model = english if kind == "starter-en" else load(tiny(kind), "causal")
    pairs = list(itertools.permutations(SENTENCES, 2))
    for index, found in scored(model, pairs).items():
        alone = score(model, *pairs[index])
        assert found.result is not None
        assert numbers(found.result) == pytest.approx(numbers(alone), abs=1e-4)
        assert numbers(found.result.reversed) == pytest.approx(numbers(alone.reversed), abs=1e-4)
        assert [piece.id for piece in found.result.tokens] == [piece.id for piece in alone.tokens]


def test_a_pair_that_cannot_be_scored_does_not_end_the_others(english: LoadedModel) -> None:
    found = scored(english, [(A, B), (A, " "), ("word " * 2000, B), (B, A)])
    assert [found[n].error is None for n in range(4)] == [True, False, False, True]
    assert found[1].error is not None
    assert found[1].error.kind == "bad_request"
    assert found[2].error is not None
    assert found[2].error.kind == "too_long"


def test_pairs_share_forwards(english: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> None:
    assert english.masked is not None
    rows: list[int] = []
    judge = english.masked.next_sentence

    def counted(pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        rows.append(len(pairs))
        return judge(pairs)

    monkeypatch.setattr(english.masked, "next_sentence", counted)
    scored(english, [(A, B)] * 40)
    assert sum(rows) == 80
    assert len(rows) < 8

"""Witnesses: equal to transformers' heads and states; PMI by its own definition."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import msgspec
import pytest
import torch
import transformers

from engine import messages
from engine.errors import EngineError
from engine.messages import (
    CosineResult,
    Done,
    NspDirection,
    NspResult,
    PairScore,
    Piece,
    PmiDirection,
    PmiResult,
    Score,
    ScorePairs,
    ScoreResult,
    SopResult,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import continuity
from engine.tasks.continuity import scoring
from engine.tasks.continuity.shuffling import shuffles
from engine.tasks.continuity.sides import trimmed
from tests.conftest import Tiny
from tests.support.bundles import SHARED, STARTER, load
from tui.strings import worded

A, B = "What is baseball ?", "It is a geme of hitting the ball with the bat."


@pytest.fixture(scope="module")
def english() -> LoadedModel:
    return load(STARTER / "starter-en", "masked", "next_sentence")


def score(model: LoadedModel, a: str, b: str) -> NspResult | PmiResult:
    (result,) = all_results(model, a, b)
    assert isinstance(result, NspResult | PmiResult)
    return result


def all_results(
    model: LoadedModel, a: str, b: str, *, cosine: bool = False, shuffles: int = 0
) -> list[ScoreResult]:
    request = Score(model=model.files.id, a=a, b=b, cosine=cosine, shuffles=shuffles)
    events = [event for event in continuity.score_pair(model, request) if event is not None]
    return [event for event in events if isinstance(event, ScoreResult)]


def pmi(model: LoadedModel, a: str, b: str) -> PmiResult:
    result = score(model, a, b)
    assert isinstance(result, PmiResult)
    return result


def refused(model: LoadedModel, a: str, b: str) -> messages.Error:
    with pytest.raises(EngineError) as refusal:
        all_results(model, a, b)
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
        assert got.before == [tokenizer.start, *before]
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
    assert f"Text {side}" in worded(error.message)


@pytest.mark.parametrize("kind", ["starter-en", "gpt2"])
def test_of_texts_beyond_the_context_the_parts_next_to_each_other_are_read(
    kind: str, english: LoadedModel, tiny: Tiny
) -> None:
    model = english if kind == "starter-en" else load(tiny(kind), "causal")
    a, b = "one two " * 200 + "the end of it.", "It begins here." + " and so on" * 200
    result = score(model, a, b)
    kept = result.trimmed
    assert kept is not None
    assert (kept.a, kept.b) == tuple(len(model.tokenizer.encode(text)) for text in (a, b))
    assert 0 < kept.a_kept < kept.a
    assert 0 < kept.b_kept < kept.b
    kept_a, kept_b, _ = trimmed(model.tokenizer, 256 if kind == "starter-en" else 96, a, b)
    assert a.endswith(kept_a)
    assert b.startswith(kept_b)
    assert msgspec.structs.replace(result, trimmed=None) == score(model, kept_a, kept_b)
    assert score(model, "a " * 3, B).trimmed is None


def test_a_short_text_leaves_its_room_to_the_long_one(english: LoadedModel) -> None:
    kept = score(english, A, "It is a game. " * 80).trimmed
    assert kept is not None
    assert kept.a_kept == kept.a
    assert kept.b_kept > 100


def test_a_model_without_a_head_can_still_compare(tiny: Tiny) -> None:
    model = load(tiny("bert-mlm"), "masked")
    error = refused(model, "a", "b")
    assert error.kind == "unable"
    assert "cosine" in worded(error.hint)
    (result,) = all_results(model, "a", "b", cosine=True)
    assert isinstance(result, CosineResult)


# ------------------------------------------------------------------------- other witnesses


def test_sentence_order_equals_transformers(tiny: Tiny) -> None:
    folder = tiny("albert-order")
    model = load(folder, "masked", "sentence_order")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    reference = transformers.AlbertForPreTraining.from_pretrained(folder, dtype=torch.float32)
    (result,) = all_results(model, A, B)
    assert isinstance(result, SopResult)
    segments = {"return_tensors": "pt", "return_token_type_ids": True}
    there, back = tokenizer(A, B, **segments), tokenizer(B, A, **segments)
    for got, inputs in ((result, there), (result.reversed, back)):
        with torch.no_grad():
            logits = reference(**inputs).sop_logits[0]
        assert got.logits == pytest.approx(logits.tolist(), abs=1e-5)
        assert got.margin == pytest.approx(float(logits[0] - logits[1]), abs=1e-5)
        assert got.probability == pytest.approx(float(logits.softmax(0)[0]), abs=1e-6)
    assert [piece.id for piece in result.tokens] == there.input_ids[0].tolist()
    assert not load(tiny("albert"), "masked").files.heads & {"sentence_order"}


@pytest.mark.parametrize(
    "kind", ["starter-en", "bert-mlm", "albert-order", "roberta", "distilbert", "gpt2", "qwen2"]
)
def test_cosine_is_that_of_transformers_mean_states(kind: str, tiny: Tiny) -> None:
    causal = kind in ("gpt2", "qwen2")
    folder = STARTER / kind if kind == "starter-en" else tiny(kind)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    reference = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    means = []
    for text in (A, B):
        ids = tokenizer(text).input_ids
        start = load(folder, "causal").tokenizer.start if causal else None
        if start is not None:
            ids = [start, *ids]
        with torch.no_grad():
            output = reference(torch.tensor([ids]), output_hidden_states=True)
        states = output.hidden_states[-1][0].double()
        means.append(states[start is not None :].mean(0))
    first, second = means
    expected = float(torch.nn.functional.cosine_similarity(first, second, dim=0))
    model = load(folder, "causal" if causal else "masked")
    *_, result = all_results(model, A, B, cosine=True)
    assert isinstance(result, CosineResult)
    assert result.cosine == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("kind", ["starter-en", "gpt2"])
@pytest.mark.parametrize(
    ("a", "b", "unit"),
    [
        (A, B, "words"),
        ("Yes. It is so.", "The train came late. Nobody was there.", "sentences"),
        (A, "野球をしました。", "tokens"),
    ],
)
def test_a_figure_has_its_place_among_shuffles(
    kind: str, a: str, b: str, unit: str, english: LoadedModel, tiny: Tiny
) -> None:
    model = english if kind == "starter-en" else load(tiny(kind), "causal")
    plain = all_results(model, a, b, cosine=True)
    results = all_results(model, a, b, cosine=True, shuffles=9)
    others = shuffles(model.tokenizer, a, b, 9)
    assert others is not None
    assert others.unit == unit
    figures = [
        [figure(one) for one in all_results(model, *pair, cosine=True)] for pair in others.pairs
    ]
    for number, result in enumerate(results):
        assert result.shuffled is not None
        assert (result.shuffled.unit, result.shuffled.times) == (unit, 9)
        below = sum(other[number] < figure(result) - 1e-4 for other in figures)
        not_above = sum(other[number] < figure(result) + 1e-4 for other in figures)
        assert below * 100 / 9 <= result.shuffled.percentile <= not_above * 100 / 9
        assert msgspec.structs.replace(result, shuffled=None) == plain[number]


def figure(result: ScoreResult) -> float:
    match result:
        case PmiResult():
            return result.bits_per_token
        case CosineResult():
            return result.cosine
        case _:
            return result.margin


def test_a_text_of_one_token_has_no_shuffles(english: LoadedModel) -> None:
    assert [result.shuffled for result in all_results(english, A, "yes", shuffles=5)] == [None]


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


def numbers(result: object) -> list[float]:
    if isinstance(result, NspResult | NspDirection):
        return [*result.logits, result.margin, result.probability]
    assert isinstance(result, PmiResult | PmiDirection)
    values = [result.logprob_conditional, result.logprob_alone, result.bits]
    return values + [token.alone or 0.0 for token in result.tokens]


@pytest.mark.parametrize("kind", ["starter-en", "gpt2", "qwen2"])
def test_many_pairs_are_scored_as_each_is_alone(
    kind: str, english: LoadedModel, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scoring, "BATCH_TOKENS", 70)
    model = english if kind == "starter-en" else load(tiny(kind), "causal")
    pairs = list(itertools.permutations(SENTENCES, 2))
    for index, found in scored(model, pairs).items():
        alone = score(model, *pairs[index])
        assert isinstance(found.result, NspResult | PmiResult)
        assert numbers(found.result) == pytest.approx(numbers(alone), abs=1e-4)
        assert numbers(found.result.reversed) == pytest.approx(numbers(alone.reversed), abs=1e-4)
        assert [piece.id for piece in found.result.tokens] == [piece.id for piece in alone.tokens]


def test_a_pair_that_cannot_be_scored_does_not_end_the_others(english: LoadedModel) -> None:
    found = scored(english, [(A, B), (A, " "), ("word " * 2000, B), (B, A)])
    assert [found[n].error is None for n in range(4)] == [True, False, True, True]
    assert found[1].error is not None
    assert found[1].error.kind == "bad_request"
    assert found[2].result is not None
    assert found[2].result.trimmed is not None


def test_many_pairs_have_all_witnesses_and_a_verdict(tiny: Tiny) -> None:
    model = load(tiny("gpt2"), "causal")
    pairs = [(A, B), (B, A), (A, SENTENCES[2])]
    request = ScorePairs(model="m", pairs=pairs, cosine=True, shuffles=3)
    found = [each for each in continuity.run_pairs(model, request, 0.0) if each is not None]
    assert isinstance(found.pop(), Done)
    assert {each.index for each in found if isinstance(each, PairScore)} == {0, 1, 2}
    for each in found:
        assert isinstance(each, PairScore)
        results = all_results(model, *pairs[each.index], cosine=True, shuffles=3)
        assert each.result is not None
        together = [each.result, *each.others]
        assert [type(result) for result in together] == [PmiResult, CosineResult]
        assert each.verdict == continuity.verdict(together)
        for result, alone in zip(together, results, strict=True):
            assert figure(result) == pytest.approx(figure(alone), abs=1e-4)
            assert result.shuffled is not None


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

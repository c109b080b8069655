"""Words for masks: equal to transformers, and the causal way by its own definition."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

import pytest
import torch
import transformers

from engine import messages
from engine.errors import EngineError
from engine.messages import Done, Fill, FillResult, MaskFill
from engine.runtime import scoring
from engine.runtime.loaded import LoadedModel
from engine.tasks import causal_masking, masking
from tests.conftest import Tiny
from tests.support.bundles import STARTER, load
from tui.strings import worded

NOTEBOOK = "I played [MASK] with my friends at school yesterday"


@pytest.fixture(scope="module")
def english() -> LoadedModel:
    return load(STARTER / "starter-en", "masked", "next_sentence")


@pytest.fixture(scope="module")
def japanese() -> LoadedModel:
    return load(STARTER / "starter-ja", "causal")


def fill(
    model: LoadedModel, text: str, top: int = 5, hidden: Sequence[str | None] = ()
) -> FillResult:
    request = Fill(model=model.files.id, text=text, top=top, hidden=list(hidden))
    events = [e for e in masking.run(model, request, 0.25) if e is not None]
    assert len(events) == 2
    result, done = events
    assert isinstance(result, FillResult)
    assert isinstance(done, Done)
    assert done.timing.load_s == 0.25
    assert result.text == text
    return result


def refused(model: LoadedModel, text: str) -> messages.Error:
    with pytest.raises(EngineError) as refusal:
        list(masking.run(model, Fill(model="m", text=text), 0.0))
    return refusal.value.event


def test_candidates_are_those_of_transformers(english: LoadedModel) -> None:
    tokenizer = transformers.AutoTokenizer.from_pretrained(english.files.folder)
    reference = transformers.BertForMaskedLM.from_pretrained(
        english.files.folder, dtype=torch.float32
    )
    for text in (NOTEBOOK, "[MASK]", "The [MASK] ate the [MASK] ."):
        inputs = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            logits = reference(**inputs).logits[0]
        places = (inputs.input_ids[0] == tokenizer.mask_token_id).nonzero().flatten().tolist()
        result = fill(english, text, top=7)
        assert result.method == "mlm"
        assert [piece.id for piece in result.tokens] == inputs.input_ids[0].tolist()
        assert [piece.segment for piece in result.tokens] == inputs.token_type_ids[0].tolist()
        assert (result.vocabulary, result.segments) == (logits.shape[-1], True)
        assert [mask.position for mask in result.masks] == places
        for mask in result.masks:
            best = logits[mask.position].softmax(0).topk(7)
            assert [c.id for c in mask.candidates] == best.indices.tolist()
            assert [c.prob for c in mask.candidates] == pytest.approx(
                best.values.tolist(), abs=1e-6
            )
            assert [c.logit for c in mask.candidates] == pytest.approx(
                logits[mask.position][best.indices].tolist(), abs=1e-4
            )
            words = tokenizer.convert_ids_to_tokens(best.indices.tolist())
            assert [c.text for c in mask.candidates] == [w.removeprefix("##") for w in words]


def only(result: FillResult) -> MaskFill:
    (mask,) = result.masks
    return mask


def test_a_hidden_word_has_its_probability_and_rank(english: LoadedModel) -> None:
    everything = only(fill(english, NOTEBOOK, top=1000))
    for place in (0, 3, 40):
        candidate = everything.candidates[place]
        hidden = only(fill(english, NOTEBOOK, hidden=[candidate.text.upper()])).hidden
        assert hidden is not None
        assert (hidden.prob, hidden.rank) == (candidate.prob, place + 1)
        assert hidden.logit == candidate.logit
        assert (hidden.word, hidden.pieces) == (candidate.text.upper(), 1)


def test_a_hidden_word_of_several_pieces_has_none(english: LoadedModel) -> None:
    hidden = only(fill(english, NOTEBOOK, hidden=["antidisestablishmentarianism"])).hidden
    assert hidden is not None
    assert hidden.pieces > 1
    assert (hidden.prob, hidden.rank) == (None, None)


def test_each_mask_has_its_own_hidden_word(english: LoadedModel) -> None:
    result = fill(english, "The [MASK] ate the [MASK] .", hidden=[None, "dog"])
    assert [mask.hidden and mask.hidden.word for mask in result.masks] == [None, "dog"]


def test_a_space_that_the_mask_swallows_belongs_to_the_hidden_word(tiny: Tiny) -> None:
    model = load(tiny("roberta"), "masked")
    (spaced,) = (piece.id for piece in model.tokenizer.encode(" the"))
    (bare,) = (piece.id for piece in model.tokenizer.encode("b"))
    for text, word, own in (("at [MASK] game", "the", spaced), ("at[MASK] game", "b", bare)):
        mask = only(fill(model, text, top=1000, hidden=[word]))
        assert mask.hidden is not None
        assert mask.hidden.prob == next(c.prob for c in mask.candidates if c.id == own)


@pytest.mark.parametrize("kind", ["albert", "distilbert", "roberta", "modernbert", "bert-mlm"])
def test_every_family_takes_masks_written_our_way(kind: str, tiny: Tiny) -> None:
    model = load(tiny(kind), "masked")
    text = "a [MASK] b 😀[MASK]."
    result = fill(model, text)
    assert len(result.masks) == 2
    for mask in result.masks:
        piece = result.tokens[mask.position]
        assert piece.id == model.tokenizer.mask
        assert piece.start is not None
        assert text[piece.start : piece.end].strip() == "[MASK]"
        assert sum(c.prob for c in mask.candidates) <= 1.0


def test_a_text_without_a_mask_is_refused(english: LoadedModel) -> None:
    assert refused(english, "no mask").kind == "bad_request"
    assert "[MASK]" in worded(refused(english, "no mask").hint)


def test_a_text_beyond_the_context_is_refused_with_numbers(english: LoadedModel) -> None:
    error = refused(english, "[MASK] " + "a " * 300)
    assert error.kind == "too_long"
    assert "303" in worded(error.message) and "256" in worded(error.message)
    assert "47" in worded(error.hint)


def test_a_model_without_a_head_for_it_is_refused(tiny: Tiny) -> None:
    assert refused(load(tiny("bert-nsp"), "next_sentence"), "[MASK]").kind == "unable"


# ----------------------------------------------------------------------- causal method


def by_definition(
    model: LoadedModel, left: list[int], words: list[int], right: list[int]
) -> torch.Tensor:
    """log p(w | left) + log p(right | left, w), normalised over the words: plain forwards."""
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        model.files.folder, dtype=torch.float32
    )
    scores = []
    for word in words:
        ids = torch.tensor([[*left, word, *right]])
        with torch.no_grad():
            logprobs = reference(ids).logits[0].double().log_softmax(1)
        scored = ids[0, len(left) :]
        scores.append(logprobs[len(left) - 1 : -1].gather(1, scored[:, None]).sum())
    return torch.stack(scores).softmax(0)


@pytest.mark.parametrize(
    ("text", "left", "right"),
    [
        ("昨日は[MASK]をしました。", "昨日は", "をしました。"),
        ("羽田空港に[MASK]", "羽田空港に", ""),
    ],
)
def test_causal_scores_are_the_definition(
    text: str, left: str, right: str, japanese: LoadedModel
) -> None:
    result = fill(japanese, text, top=200)
    assert (result.method, result.pool) == ("causal", 200)
    mask = only(result)
    cut = japanese.tokenizer
    left_ids = [p.id for p in cut.prompt(left)]
    assert mask.position == len(left_ids)
    right_ids = [p.id for p in cut.after(right)]
    assert "".join(cut.token(i).text for i in right_ids) == right
    words = [c.id for c in mask.candidates]
    expected = by_definition(japanese, left_ids, words, right_ids)
    got = torch.tensor([c.prob for c in mask.candidates], dtype=torch.float64)
    assert torch.allclose(got, expected, atol=1e-5)
    assert got.tolist() == sorted(got.tolist(), reverse=True)
    assert got.sum().item() == pytest.approx(1.0)
    assert [p.id for p in result.tokens] == [*left_ids, words[0], *right_ids]
    for piece in result.tokens[mask.position + 1 :]:
        assert piece.start is not None and piece.end is not None
        assert text[piece.start : piece.end] == piece.text


@pytest.mark.parametrize("kind", ["gpt2", "llama", "qwen2"])
def test_a_space_before_the_mask_goes_to_the_word(kind: str, tiny: Tiny) -> None:
    model = load(tiny(kind), "causal")
    for text, spaced in (("I played [MASK] with my friends.", True), ("I play[MASK]", False)):
        mask = only(fill(model, text, top=20))
        words = [model.tokenizer.token(c.id).text for c in mask.candidates]
        assert words
        assert all(word.startswith(" ") == spaced for word in words)
        assert all(c.text == c.text.strip() != "" for c in mask.candidates)


@pytest.mark.parametrize("kind", ["gpt2", "llama", "gpt2-sentencepiece"])
def test_a_word_can_be_the_first(kind: str, tiny: Tiny) -> None:
    model = load(tiny(kind), "causal")
    result = fill(model, "[MASK] is a game.")
    words = [model.tokenizer.token(c.id).text for c in only(result).candidates]
    assert kind != "gpt2" or not any(word.startswith(" ") for word in words)
    assert only(result).position == 1
    assert result.tokens[0].id == model.tokenizer.start


def test_the_hidden_word_is_always_tried(japanese: LoadedModel) -> None:
    plain = fill(japanese, "昨日は[MASK]をしました。", top=1)
    assert plain.pool == causal_masking.POOL
    rare = next(
        p.text
        for p in map(japanese.tokenizer.token, range(7900, 8000))
        if len(japanese.tokenizer.after(p.text)) == 1
    )
    with_it = fill(japanese, "昨日は[MASK]をしました。", top=1, hidden=[rare])
    hidden = only(with_it).hidden
    assert hidden is not None and hidden.prob is not None and hidden.rank is not None
    assert with_it.pool == causal_masking.POOL + 1
    assert 1 < hidden.rank <= with_it.pool


@pytest.mark.parametrize("word", ["𠮷", "友達と野球"])
def test_a_hidden_word_that_is_not_one_piece_of_the_vocabulary_is_not_ranked(
    word: str, japanese: LoadedModel
) -> None:
    result = fill(japanese, "昨日は[MASK]をしました。", hidden=[word])
    hidden = only(result).hidden
    assert hidden is not None
    assert (hidden.prob, hidden.rank) == (None, None)
    assert result.pool == causal_masking.POOL


def test_several_masks_are_too_many_for_a_causal_model(japanese: LoadedModel) -> None:
    error = refused(japanese, "[MASK]と[MASK]")
    assert error.kind == "unable"
    assert "one mask" in worded(error.message)


def test_a_long_text_is_refused_by_a_causal_model(japanese: LoadedModel) -> None:
    assert refused(japanese, "東京" * 600 + "[MASK]").kind == "too_long"


def test_the_scheduler_can_go_round_between_steps(japanese: LoadedModel) -> None:
    steps = list(masking.run(japanese, Fill(model="m", text="昨日は[MASK]をしました。"), 0.0))
    assert steps.count(None) >= causal_masking.POOL / scoring.ROWS


def test_importing_the_tasks_imports_no_torch() -> None:
    code = (
        "import sys; from engine.tasks import masking, continuity, inspection;"
        "assert not {'torch', 'transformers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)

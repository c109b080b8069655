"""Whole words at masks against plain forwards of transformers."""

from __future__ import annotations

import math

import pytest

from engine.errors import EngineError
from engine.interfaces import MaskedRuntime
from engine.messages import Done, Error, Fill, FillResult, WordScore
from engine.runtime.loaded import LoadedModel
from engine.tasks import masking, whole_words
from tests.conftest import Tiny
from tests.support.bundles import STARTER, load
from tests.support.masked_reference import FAMILIES, Logprobs, folder, logprobs
from tui.strings import worded

TEXT = "The [MASK] ate the [MASK] in town."
WORDS = ["game", "train", "unquestionable", "a", "Morning", "souvenir"]


def fill(model: LoadedModel, text: str = TEXT, **fields: object) -> FillResult:
    request = Fill(model=model.files.id, text=text, **fields)  # type: ignore[arg-type]
    *_, result, done = masking.run(model, request, 0.0)
    assert isinstance(result, FillResult)
    assert isinstance(done, Done)
    return result


def refused(model: LoadedModel, text: str = TEXT, **fields: object) -> Error:
    with pytest.raises(EngineError) as refusal:
        fill(model, text, **fields)
    return refusal.value.event


def in_slot(result: FillResult, read: Logprobs, position: int, ids: list[int]) -> float:
    """The definition: as many masks as pieces, filled from left to right."""
    own = [piece.id for piece in result.tokens]
    mask, total = own[position], 0.0
    for place, number in enumerate(ids):
        slot = [*ids[:place], *[mask] * (len(ids) - place)]
        row = [*own[:position], *slot, *own[position + 1 :]]
        total += float(read(row, position + place)[number])
    return total


@pytest.mark.parametrize("kind", FAMILIES)
def test_asked_words_are_counted_whole(kind: str, tiny: Tiny) -> None:
    where = folder(kind, tiny)
    model, read = load(where, "masked"), logprobs(where)
    result = fill(model, words=WORDS)
    lengths = set()
    for mask in result.masks:
        alone = read([piece.id for piece in result.tokens], mask.position)
        assert [word.text for word in mask.words] == WORDS
        for word in mask.words:
            lengths.add(len(word.ids))
            expected = in_slot(result, read, mask.position, word.ids)
            assert word.logprob == pytest.approx(expected, abs=1e-4)
            near = int((alone > expected + 1e-4).sum()), int((alone > expected - 1e-4).sum())
            assert word.rank is not None and near[0] < word.rank <= near[1] + 1
            spelt = "".join(model.tokenizer.token(number).text for number in word.ids)
            assert spelt.strip() in (word.text, word.text.lower())
    assert len(lengths) > 2


def test_a_word_of_one_piece_has_its_place_of_the_ranking() -> None:
    model = load(STARTER / "starter-en", "masked")
    plain = fill(model, top=40).masks[0].candidates
    words = fill(model, words=[candidate.text for candidate in plain]).masks[0].words
    whole = [word for word in words if len(word.ids) == 1]
    assert [(word.ids[0], word.rank) for word in whole] == [
        (candidate.id, rank)
        for rank, candidate in enumerate(plain, start=1)
        if [candidate.id] in [word.ids for word in whole]
    ]
    assert len(whole) > 20


def test_a_word_that_cannot_be_spelt_has_no_score() -> None:
    (word, _) = fill(load(STARTER / "starter-en", "masked"), words=["☃", "dog"]).masks[0].words
    assert (word.logprob, word.rank) == (None, None)


def test_many_words_are_read_in_few_forwards(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(STARTER / "starter-en", "masked")
    assert model.masked is not None
    forwards = count(model.masked, monkeypatch)
    words = ["unquestionable", "souvenir", "traveler", *(f"dog{n}" for n in range(47))]
    result = fill(model, "I saw a [MASK].", words=words)
    assert all(word.logprob is not None for word in result.masks[0].words)
    assert len(forwards) <= 3


def count(runtime: MaskedRuntime, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows of each forward from now on."""
    forwards: list[int] = []
    inner = runtime.mask_logits

    def counted(rows, places):  # type: ignore[no-untyped-def]
        forwards.append(len(rows))
        return inner(rows, places)

    monkeypatch.setattr(runtime, "mask_logits", counted)
    return forwards


@pytest.mark.parametrize("kind", FAMILIES)
def test_words_that_are_found_are_words_and_scored_as_if_asked_for(kind: str, tiny: Tiny) -> None:
    model = load(folder(kind, tiny), "masked")
    result = fill(model, "The [MASK] is here.", pieces=3, top=6)
    (mask,) = result.masks
    scores = [word.logprob for word in mask.whole if word.logprob is not None]
    assert scores == sorted(scores, reverse=True)
    longer = [word for word in mask.whole if len(word.ids) > 1]
    assert {len(word.ids) for word in longer} == {2, 3}
    (again,) = fill(model, "The [MASK] is here.", words=[word.text for word in longer]).masks
    for found, asked in zip(longer, again.words, strict=True):
        assert found.ids == asked.ids
        assert found.logprob == pytest.approx(asked.logprob, abs=1e-4)


def test_the_beam_finds_the_best_of_two_pieces_that_it_looks_at(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tiny("bert-mlm")
    model, read = load(where, "masked"), logprobs(where)
    monkeypatch.setattr(whole_words, "BEAM", 2)
    result = fill(model, "The [MASK].", pieces=2, top=1000)
    own = [piece.id for piece in result.tokens]
    position = result.masks[0].position
    wide = [*own[:position], own[position], *own[position:]]
    tokens = [model.tokenizer.token(n) for n in range(model.tokenizer.vocabulary)]
    firsts = [
        n
        for n in read(wide, position).argsort(descending=True).tolist()
        if not tokens[n].special
        and not tokens[n].piece.startswith("##")
        and tokens[n].text[0].isalnum()
    ][:2]
    pairs = [
        (first, second, float(read(wide, position)[first] + after[second]))
        for first in firsts
        for after in [read([*wide[:position], first, *wide[position + 1 :]], position + 1)]
        for second in [
            n for n in after.argsort(descending=True).tolist() if tokens[n].piece.startswith("##")
        ][:2]
    ]
    longer = [word for word in result.masks[0].whole if len(word.ids) == 2]
    possible = {(first, second): score for first, second, score in pairs}
    assert longer
    assert [word.logprob for word in longer] == pytest.approx(
        sorted(possible.values(), reverse=True)[: len(longer)], abs=1e-4
    )
    for word in longer:
        assert word.logprob == pytest.approx(possible[word.ids[0], word.ids[1]], abs=1e-4)


def test_one_piece_looks_for_nothing_more() -> None:
    assert fill(load(STARTER / "starter-en", "masked")).masks[0].whole == []


def test_what_does_not_fit_or_is_empty_is_refused() -> None:
    model = load(STARTER / "starter-en", "masked")
    full = "[MASK] " + "a " * 253
    assert len(fill(model, full).tokens) == 256
    assert refused(model, full, words=["unquestionable"]).kind == "too_long"
    assert refused(model, full, pieces=2).kind == "too_long"
    assert refused(model, words=["dog", " "]).kind == "bad_request"


# ------------------------------------------------------------------------- causal models


def test_a_causal_model_scores_asked_words_with_what_follows() -> None:
    model = load(STARTER / "starter-ja", "causal")
    asked = ["野球", "とても静かな野球"]
    (mask,) = fill(model, "昨日は[MASK]をしました。", words=[*asked, asked[1]], top=100).masks
    one, several, again = mask.words
    assert len(several.ids) > 1
    assert several == again
    assert isinstance(one, WordScore) and one.rank is not None and one.logprob is not None
    candidates = {candidate.id: candidate.prob for candidate in mask.candidates}
    if len(one.ids) == 1 and one.ids[0] in candidates:
        assert math.exp(one.logprob) == pytest.approx(candidates[one.ids[0]])
    assert several.logprob is not None and several.logprob < 0


def test_what_a_causal_model_cannot_do_is_refused() -> None:
    model = load(STARTER / "starter-ja", "causal")
    for fields in ({"joint_methods": ["hcb"]}, {"pieces": 2}):
        error = refused(model, "昨日は[MASK]をしました。", **fields)
        assert error.kind == "unable"
        assert "masked model" in worded(error.hint)

"""Several masks together, against the definitions over plain forwards of transformers."""

from __future__ import annotations

import math

import pytest
import torch

from engine.messages import FillResult, JointFill, JointMethod
from engine.runtime.loaded import LoadedModel
from engine.tasks import joint_filling
from engine.tasks.whole_words import Shape, Slot
from tests.conftest import Tiny
from tests.engine.tasks.test_whole_words import fill
from tests.support.bundles import STARTER, load
from tests.support.masked_reference import FAMILIES, Logprobs, folder, logprobs, rows_read

TEXT = "The [MASK] ate the [MASK] in [MASK]."
METHODS: list[JointMethod] = ["independent", "left_to_right", "confident_first", "hcb"]


def fillings(result: FillResult) -> list[JointFill]:
    (joint,) = result.joint
    return joint.fillings


def score(filling: JointFill) -> float:
    return filling.logprob if filling.ratio is None else filling.ratio


def words(model: LoadedModel, result: FillResult) -> list[int]:
    """The ids of whole words: what joint fillings are made of."""
    tokenizer = model.tokenizer
    slot = Slot(result.text, result.tokens, result.masks[0].position, torch.empty(0))
    shape = Shape(tokenizer, slot)
    pieces = map(tokenizer.token, range(tokenizer.vocabulary))
    found = [piece.id for piece in pieces if not piece.special and shape.begins(piece)]
    assert found
    return found


def by_definition(
    result: FillResult, read: Logprobs, method: JointMethod, filling: list[int], model: LoadedModel
) -> tuple[float, float]:
    """The log-probability of one filling and the score it is ranked by, in the module's words."""
    base = [piece.id for piece in result.tokens]
    places = [each.position for each in result.masks]
    row, total, moved, open_places = list(base), 0.0, 0.0, list(range(len(places)))
    mask, fits = model.tokenizer.mask, words(model, result)
    assert mask is not None
    while open_places:
        if method == "confident_first":
            chosen = max(open_places, key=lambda n: max(map(float, read(row, places[n])[fits])))
        else:
            chosen = open_places[0]
        open_places.remove(chosen)
        context = base if method == "independent" else row
        there = read(context, places[chosen])
        total += float(there[filling[chosen]])
        if method == "hcb":
            moved -= float(there[mask]) - float(read(base, places[chosen])[mask])
        row[places[chosen]] = filling[chosen]
    return total, total + moved


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("kind", FAMILIES)
def test_each_score_is_the_definition(kind: str, method: JointMethod, tiny: Tiny) -> None:
    where = folder(kind, tiny)
    model, read = load(where, "masked"), logprobs(where)
    result = fill(model, TEXT, joint_methods=[method], top=4)
    assert len(fillings(result)) == 4
    assert result.table is None
    scores = [score(filling) for filling in fillings(result)]
    assert scores == sorted(scores, reverse=True)
    for filling in fillings(result):
        logprob, ranked = by_definition(result, read, method, filling.ids, model)
        assert filling.logprob == pytest.approx(logprob, abs=3e-4)
        assert filling.logprob < 0
        assert score(filling) == pytest.approx(ranked, abs=3e-4)
        assert (filling.ratio is not None) == (method == "hcb")
        assert len(filling.words) == 3
        assert not any(model.tokenizer.token(number).special for number in filling.ids)


@pytest.mark.parametrize("method", METHODS)
def test_a_beam_of_one_is_greedy(
    method: JointMethod, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = tiny("bert-mlm")
    model, read = load(where, "masked"), logprobs(where)
    monkeypatch.setattr(joint_filling, "BEAM", 1)
    result = fill(model, TEXT, joint_methods=[method])
    (filling,) = fillings(result)
    row = [piece.id for piece in result.tokens]
    places = [mask.position for mask in result.masks]
    waiting = list(range(len(places)))
    got: dict[int, int] = {}
    while waiting:
        best = {n: max(words(model, result), key=read(row, places[n]).__getitem__) for n in waiting}
        sure = {n: float(read(row, places[n])[own]) for n, own in best.items()}
        chosen = max(waiting, key=sure.__getitem__) if method == "confident_first" else waiting[0]
        waiting.remove(chosen)
        got[chosen] = best[chosen]
        if method != "independent":
            row[places[chosen]] = got[chosen]
    assert filling.ids == [got[n] for n in range(len(places))]


def test_independent_is_the_best_of_all_products() -> None:
    model = load(STARTER / "starter-en", "masked")
    result = fill(model, "The [MASK] ate the [MASK].", joint_methods=["independent"], top=5)
    whole = words(model, result)
    first, second = (
        [each for each in mask.candidates if each.id in whole]
        for mask in fill(model, result.text, top=16).masks
    )
    products = sorted(math.log(a.prob) + math.log(b.prob) for a in first for b in second)
    assert [filling.logprob for filling in fillings(result)] == pytest.approx(
        products[::-1][:5], abs=1e-4
    )


@pytest.mark.parametrize("method", METHODS)
def test_one_mask_is_one_distribution(method: JointMethod) -> None:
    model = load(STARTER / "starter-en", "masked")
    result = fill(model, "I played [MASK].", joint_methods=[method], top=5)
    whole = words(model, result)
    candidates = fill(model, result.text, top=30).masks[0].candidates
    candidates = [each for each in candidates if each.id in whole][:5]
    assert [filling.ids for filling in fillings(result)] == [[each.id] for each in candidates]
    assert [filling.logprob for filling in fillings(result)] == pytest.approx(
        [math.log(each.prob) for each in candidates], abs=1e-4
    )


@pytest.mark.parametrize("kind", ["roberta", "starter-en"])
def test_two_masks_have_a_table_of_both_orders(kind: str, tiny: Tiny) -> None:
    where = folder(kind, tiny)
    model, read = load(where, "masked"), logprobs(where)
    result = fill(model, "The [MASK] ate the [MASK].", joint_methods=["hcb"])
    table = result.table
    assert table is not None
    assert len(table.left) == len(table.right) == joint_filling.TABLE
    row = [piece.id for piece in result.tokens]
    a, b = (mask.position for mask in result.masks)
    for i, left in enumerate(table.left):
        for j in (0, len(table.right) - 1):
            right = table.right[j]
            with_left = [*row[:a], left.id, *row[a + 1 :]]
            with_right = [*row[:b], right.id, *row[b + 1 :]]
            forwards = read(row, a)[left.id] + read(with_left, b)[right.id]
            backwards = read(row, b)[right.id] + read(with_right, a)[left.id]
            assert table.left_first[i][j] == pytest.approx(float(forwards), abs=2e-4)
            assert table.right_first[i][j] == pytest.approx(float(backwards), abs=2e-4)


def test_only_whole_words_are_filled_in() -> None:
    model = load(STARTER / "starter-en", "masked")
    result = fill(model, "I [MASK] [MASK] at school", joint_methods=METHODS, top=16)
    found = {word for joint in result.joint for filling in joint.fillings for word in filling.words}
    assert found
    assert all(word[0].isalnum() for word in found)


def test_the_beam_of_left_to_right_finds_what_greed_does_not_lose() -> None:
    model = load(STARTER / "starter-en", "masked")
    result = fill(model, "The [MASK] ate the [MASK].", joint_methods=["left_to_right"])
    table = result.table
    assert table is not None
    best = max(score for row in table.left_first for score in row)
    assert fillings(result)[0].logprob >= best - 1e-4


def test_methods_asked_for_together_read_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(STARTER / "starter-en", "masked")
    text = "The [MASK] ate the [MASK]."
    alone = [fill(model, text, joint_methods=[method]) for method in METHODS]
    rows = rows_read(monkeypatch)
    together = fill(model, text, joint_methods=METHODS)
    assert [joint.method for joint in together.joint] == METHODS
    for joint, before in zip(together.joint, alone, strict=True):
        expected = [filling.logprob for filling in fillings(before)]
        assert [filling.logprob for filling in joint.fillings] == pytest.approx(expected, abs=1e-4)
    assert together.table is not None and alone[0].table is not None
    for row, expected in zip(together.table.left_first, alone[0].table.left_first, strict=True):
        assert row == pytest.approx(expected, abs=1e-4)
    assert rows and len(set(rows)) == len(rows)

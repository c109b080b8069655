"""A document: its gaps equal plain loops over transformers; what is known is not computed again."""

from __future__ import annotations

import itertools
import math
import statistics
from collections.abc import Sequence
from typing import TypeVar

import pytest
import torch
import transformers

from engine.errors import EngineError
from engine.messages import (
    Arranged,
    Cell,
    Document,
    DocumentResult,
    Done,
    Error,
    Event,
    MatrixCells,
    Piece,
    Progress,
)
from engine.runtime.loaded import LoadedModel
from engine.tasks import document
from engine.text import ordering, texttiling
from tests.conftest import Tiny
from tests.support.bundles import STARTER, load
from tui.strings import worded

TEXT = """We played with the ball at school. The game was long.
It rained and the ball
was wet.

He went to the river. The water was cold! A boat came."""
E = TypeVar("E", bound=Event)


@pytest.fixture
def english() -> LoadedModel:
    return load(STARTER / "starter-en", "masked", "next_sentence")


def events(model: LoadedModel, text: str | list[str] = TEXT, **wanted: object) -> list[Event]:
    request = Document(model=model.files.id, text=text, **wanted)  # type: ignore[arg-type]
    found = [event for event in document.run(model, request, 0.0) if event is not None]
    assert isinstance(found[-1], Done)
    return found


def one(found: list[Event], kind: type[E]) -> E:
    (event,) = (event for event in found if isinstance(event, kind))
    return event


def result(model: LoadedModel, text: str | list[str] = TEXT, **wanted: object) -> DocumentResult:
    return one(events(model, text, **wanted), DocumentResult)


def refused(model: LoadedModel, text: str | list[str], **wanted: object) -> Error:
    with pytest.raises(EngineError) as refusal:
        events(model, text, **wanted)
    return refusal.value.event


def plain(text: str) -> str:
    return text.replace("\n", " ")


def test_gaps_equal_transformers_next_sentence_head(english: LoadedModel) -> None:
    folder = english.files.folder
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    reference = transformers.BertForNextSentencePrediction.from_pretrained(
        folder, dtype=torch.float32
    )
    found = result(english)
    assert len(found.gaps) == len(found.sentences) - 1 == 5
    assert found.witness == "nsp_margin"
    for gap, (first, second) in zip(found.gaps, itertools.pairwise(found.sentences), strict=True):
        for witness, a, b in ((gap.forward, first, second), (gap.backward, second, first)):
            inputs = tokenizer(plain(a.text), plain(b.text), return_tensors="pt")
            with torch.no_grad():
                logits = reference(**inputs).logits[0]
            assert witness.nsp_margin == pytest.approx(float(logits[0] - logits[1]), abs=1e-4)
            assert witness.nsp_probability == pytest.approx(float(logits.softmax(0)[0]), abs=1e-5)
            assert witness.pmi_bits is None
        assert gap.score == gap.forward.nsp_margin


def test_gaps_equal_plain_mutual_information(tiny: Tiny) -> None:
    model = load(tiny("gpt2"), "causal")
    reference = transformers.AutoModelForCausalLM.from_pretrained(
        model.files.folder, dtype=torch.float32
    )
    start = model.tokenizer.start
    assert start is not None

    def nats(ids: list[int], last: int) -> float:
        with torch.no_grad():
            logprobs = reference(torch.tensor([[start, *ids]])).logits[0].double().log_softmax(1)
        return sum(float(logprobs[at, number]) for at, number in list(enumerate(ids))[-last:])

    found = result(model)
    assert found.witness == "pmi_bits"
    for gap, (first, second) in zip(found.gaps, itertools.pairwise(found.sentences), strict=True):
        for witness, a, b in ((gap.forward, first, second), (gap.backward, second, first)):
            pieces = model.tokenizer.encode(f"{plain(a.text)} {plain(b.text)}")
            after = [p.id for p in pieces if p.end is not None and p.end > len(a.text)]
            bits = nats([p.id for p in pieces], len(after)) - nats(after, len(after))
            bits /= math.log(2)
            assert witness.pmi_bits == pytest.approx(bits, abs=2e-3)
            assert witness.pmi_bits_per_token == pytest.approx(bits / len(after), abs=1e-3)


def test_a_result_holds_the_segmentation_of_its_scores(english: LoadedModel) -> None:
    found = result(english)
    scores = [gap.score for gap in found.gaps if gap.score is not None]
    assert found.coherence == pytest.approx(statistics.fmean(scores))
    assert [gap.depth for gap in found.gaps] == texttiling.depths(scores)
    assert found.threshold == texttiling.threshold(texttiling.depths(scores))
    assert found.boundaries == texttiling.boundaries(scores)
    assert found.reference == [2]  # the blank line
    assert found.window == 2
    assert found.pk == texttiling.pk(6, [2], found.boundaries)
    assert found.window_diff == texttiling.window_diff(6, [2], found.boundaries)
    given = result(english, reference=[0, 3])
    assert given.reference == [0, 3]
    assert given.pk == texttiling.pk(6, [0, 3], found.boundaries)
    unmarked = result(english, plain(TEXT))
    assert (unmarked.reference, unmarked.pk, unmarked.window_diff) == ([], None, None)


def test_a_figure_can_be_chosen(english: LoadedModel) -> None:
    found = result(english, witness="nsp_probability")
    assert found.witness == "nsp_probability"
    assert [gap.score for gap in found.gaps] == [gap.forward.nsp_probability for gap in found.gaps]
    assert "nsp_margin" in worded(refused(english, TEXT, witness="pmi_bits").hint)


def test_the_matrix_comes_near_neighbours_first(
    english: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "AT_ONCE", 4)
    found = events(english, matrix=True)
    parts = [event for event in found if isinstance(event, MatrixCells)]
    assert len(parts) == 4  # 15 pairs
    cells = [cell for part in parts for cell in part.cells]
    assert {part.total for part in parts} == {len(cells)} == {30}
    assert len({(cell.first, cell.second) for cell in cells}) == 30
    away = [abs(cell.first - cell.second) for cell in cells]
    assert away == sorted(away)
    gaps = one(found, DocumentResult).gaps
    scores = {(cell.first, cell.second): cell.score for cell in cells}
    assert [scores[at, at + 1] for at in range(5)] == [gap.score for gap in gaps]
    # A cell far from the diagonal is what the two sentences alone as a text would score.
    sentences = [sentence.text for sentence in one(found, DocumentResult).sentences]
    alone = result(load(STARTER / "starter-en", "masked", "next_sentence"), sentences[4::-4])
    assert scores[4, 0] == pytest.approx(alone.gaps[0].score, abs=1e-4)


def counted(model: LoadedModel, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    assert model.masked is not None
    rows: list[int] = []
    judge = model.masked.next_sentence

    def judged(pairs: Sequence[Sequence[Piece]]) -> torch.Tensor:
        rows.append(len(pairs))
        return judge(pairs)

    monkeypatch.setattr(model.masked, "next_sentence", judged)
    return rows


def test_after_a_move_only_new_neighbours_are_scored(
    english: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(english, monkeypatch)
    sentences = [sentence.text for sentence in result(english).sentences]
    assert sum(rows) == 2 * 5
    moved = [sentences[0], sentences[2], sentences[1], *sentences[3:]]
    rows.clear()
    found = result(english, moved)
    assert sum(rows) == 2 * 2  # 0-2 and 1-3; 2-1 is 1-2 the other way round
    rows.clear()
    english.forget()
    afresh = result(english, moved)
    assert sum(rows) == 2 * 5
    assert [gap.score for gap in found.gaps] == pytest.approx(
        [gap.score for gap in afresh.gaps], abs=1e-4
    )


def test_places_and_shuffles_and_the_better_order_are_those_of_the_matrix(
    english: LoadedModel,
) -> None:
    found = events(english, matrix=True, shuffles=20, place=3, order=True)
    scores = [[0.0] * 6 for _ in range(6)]
    for event in found:
        if isinstance(event, MatrixCells):
            for cell in event.cells:
                assert cell.score is not None
                scores[cell.first][cell.second] = cell.score
    arranged = one(found, Arranged)
    coherence = one(found, DocumentResult).coherence
    assert arranged.places == pytest.approx([t / 5 for t in ordering.places(scores, 3)])
    assert arranged.places[3] == pytest.approx(coherence)
    assert arranged.shuffles == 20
    assert arranged.percentile == ordering.percentile(scores, ordering.shuffled(6, 20))
    best = max(ordering.total(scores, order) for order in itertools.permutations(range(6)))
    assert arranged.exact
    assert arranged.order_coherence == pytest.approx(best / 5)
    assert ordering.total(scores, arranged.order) == pytest.approx(best)


def test_places_alone_take_the_pairs_of_one_sentence(
    english: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = counted(english, monkeypatch)
    found = events(english, place=3)
    assert sum(rows) == 2 * (5 + 3 + 1)  # the gaps, 3 with 0, 1 and 5, and 2 with 4
    whole = one(events(english, place=3, order=True), Arranged)
    assert one(found, Arranged).places == pytest.approx(whole.places)


def test_a_pair_that_does_not_fit_is_reported_and_passed_over(english: LoadedModel) -> None:
    found = events(
        english, ["It was late.", "word " * 2000, "He went home.", "She slept."], matrix=True
    )
    gaps = one(found, DocumentResult).gaps
    assert [gap.score is None for gap in gaps] == [True, True, False]
    assert "tokens" in worded(gaps[0].forward.error)
    assert gaps[0].depth is None
    parts = [event for event in found if isinstance(event, MatrixCells)]
    assert Cell(0, 1, None) in [cell for part in parts for cell in part.cells]
    error = refused(english, ["word " * 2000, "word " * 2000])
    assert error.kind == "bad_request"
    assert "tokens" in worded(error.message)


@pytest.mark.parametrize("text", ["", "Only one."])
def test_fewer_than_two_sentences_are_refused(text: str, english: LoadedModel) -> None:
    assert refused(english, text).kind == "bad_request"


def test_what_is_not_there_is_refused(
    english: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no sentence 7" in worded(refused(english, TEXT, place=6).message)
    assert "after sentence 6" in worded(refused(english, TEXT, reference=[5]).message)
    monkeypatch.setattr(document, "MOST", 5)
    assert "at most 5" in worded(refused(english, TEXT, matrix=True).message)
    assert one(events(english), DocumentResult).gaps


def test_a_model_without_a_head_for_pairs_gives_their_likeness(tiny: Tiny) -> None:
    model = load(tiny("bert-mlm"), "masked")
    tokenizer = transformers.AutoTokenizer.from_pretrained(model.files.folder)
    reference = transformers.AutoModel.from_pretrained(model.files.folder, dtype=torch.float32)

    def mean(text: str) -> torch.Tensor:
        with torch.no_grad():
            states: torch.Tensor = reference(**tokenizer(text, return_tensors="pt"))[0][0]
        return states.double().mean(0)

    found = result(model)
    assert found.witness == "cosine"
    for gap, (first, second) in zip(found.gaps, itertools.pairwise(found.sentences), strict=True):
        likeness = torch.cosine_similarity(mean(plain(first.text)), mean(plain(second.text)), dim=0)
        assert gap.forward.cosine == gap.backward.cosine == pytest.approx(float(likeness), abs=1e-5)
        assert gap.forward.nsp_margin is None
        assert gap.score == gap.forward.cosine


def test_progress_is_reported_and_the_task_can_be_closed(
    english: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document, "AT_ONCE", 2)
    found = events(english)
    progress = [event for event in found if isinstance(event, Progress)]
    assert [(event.done, event.total) for event in progress] == [(2, 5), (4, 5), (5, 5)]
    rows = counted(english, monkeypatch)
    task = document.run(english, Document(model="m", text=TEXT, matrix=True), 0.0)
    while not isinstance(next(task), MatrixCells):
        pass
    task.close()
    assert sum(rows) < 2 * 15


def test_japanese_lines_are_joined_without_a_space() -> None:
    assert document._unwrapped("吾輩は\n 猫である。") == "吾輩は猫である。"
    assert document._unwrapped("I am\r\na cat.") == "I am a cat."

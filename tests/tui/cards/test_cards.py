from __future__ import annotations

import math

import msgspec
import pytest

from engine.messages import (
    Beside,
    BranchDone,
    Continue,
    CosineResult,
    Done,
    Error,
    NspResult,
    Sampling,
    Started,
    Verdict,
)
from tests.support import sample_cards
from tui.cards import Branch, ContinueCard, FillCard, ScoreCard, copy_request
from tui.render.facts import facts
from tui.terminal.sanitise import UNICODE


def test_a_continuation_grows_by_its_events() -> None:
    card = sample_cards.running(tokens=2, branches=2)
    assert [branch.text for branch in card.branches] == ["語0語1", "語0語1"]
    card.fold(BranchDone(branch=0, finish="stop", tail="\ufffd"))
    assert card.branches[0].text == "語0語1\ufffd"
    assert card.branches[0].finish == "stop"
    card.fold(Done(finish="cancelled"))
    assert card.status == "cancelled"
    assert card.answer == "語0語1\ufffd\n\n語0語1"


def test_what_the_seed_drew_can_be_asked_for_again() -> None:
    card = sample_cards.finished()
    assert card.request.sampling.seed is None
    assert card.repeatable.sampling == Sampling(seed=7)
    again = copy_request(card)
    assert isinstance(again, ContinueCard)
    assert (again.request, again.branches) == (card.request, [])
    assert again.id != card.id


def test_the_form_that_auto_came_to_is_what_repeats_an_answer() -> None:
    request = Continue(model="m", prompt="p", precision="auto")
    card = ContinueCard(request=request, prompt="p")
    asked = card.repeatable
    card.fold(
        Started(model="m", revision="", precision="int4", prompt="p", prompt_tokens=[], seed=1)
    )
    assert (asked.precision, card.repeatable.precision) == ("auto", "int4")
    again = copy_request(card)
    assert (again.request.precision, again.precision) == ("auto", "")


def test_a_card_shows_what_its_form_was_made_of() -> None:
    card = ContinueCard(request=Continue(model="m", prompt="p"), prompt="p")
    card.fold(
        Started(
            model="m",
            revision="",
            precision="exact",
            weights="Q4_1",
            prompt="p",
            prompt_tokens=[],
            seed=1,
        )
    )
    shown = "".join(span.text for span in facts(card, UNICODE, "", None))
    assert "m exact of Q4_1" in shown


def test_a_dead_worker_interrupts_and_a_refusal_fails() -> None:
    interrupted, failed = sample_cards.running(tokens=1), sample_cards.running()
    interrupted.fold(Error(kind="worker_died", message="gone"))
    failed.fold(Error(kind="too_long", message="too long"))
    assert (interrupted.status, failed.status) == ("interrupted", "failed")
    assert interrupted.answer == "語0"


def test_only_what_runs_can_be_interrupted() -> None:
    card, done = sample_cards.running(), sample_cards.finished()
    card.interrupt()
    done.interrupt()
    assert (card.status, done.status) == ("interrupted", "done")


def test_perplexity_is_the_exponential_of_the_mean_surprisal() -> None:
    branch = Branch([sample_cards.token(1), sample_cards.token(3)])
    assert branch.perplexity == pytest.approx(math.exp((0.5 + 1.5) / 2))
    assert Branch().perplexity is None
    assert Branch([sample_cards.token(10_000)]).perplexity is None


def test_every_card_answers_in_a_line() -> None:
    filled, scored = sample_cards.filled(), sample_cards.scored()
    assert isinstance(filled, FillCard)
    assert isinstance(scored, ScoreCard)
    assert filled.answer == "I played it today"
    assert scored.answer == "+1.10 nats, 75.00%"
    assert copy_request(filled).answer == ""
    assert copy_request(scored).answer == ""


def test_a_pair_that_is_asked_more_of_begins_again() -> None:
    card = sample_cards.scored()
    card.fold(CosineResult(model="starter-en", cosine=0.5))
    card.fold(Verdict(topic="same"))
    assert [type(each) for each in card.results] == [NspResult, CosineResult]
    card.asking(shuffles=20)
    request = card.asking(beside=Beside(model="starter-ja"))
    assert (request.shuffles, request.beside) == (20, [Beside(model="starter-ja")])
    assert request == card.request
    assert (card.status, card.results, card.verdict) == ("running", [], None)


def test_a_card_of_before_there_were_more_witnesses_opens() -> None:
    old = {
        "type": "score",
        "request": {"type": "score", "model": "m", "a": "A", "b": "B"},
        "result": msgspec.to_builtins(sample_cards.scored().result),
        "status": "done",
    }
    card = msgspec.convert(old, ScoreCard)
    assert len(card.results) == 1
    assert card.verdict is None

"""The answer to a question is what the numbers say, whatever they are for the learner's text."""

from __future__ import annotations

import pytest
from msgspec import structs

from engine.messages import (
    Answer,
    AttentionRows,
    Choice,
    Done,
    Event,
    Opened,
    Piece,
    Tensor,
    Token,
    Tokens,
)
from tui.lesson.progress import Texts
from tui.lesson.stops import STOPS, StopId
from tui.render.inside.view import View
from tui.render.lesson_answers import Found, answer
from tui.terminal.sanitise import UNICODE

NOTEBOOK = Texts()
OPENED = Opened(
    model="m",
    revision="",
    tokens=[Piece(4, "a", "a")],
    layers=1,
    heads=1,
    position=0,
    asks="next",
    causal=True,
)


def found(*answers: list[Event], texts: Texts = NOTEBOOK) -> Found:
    """Answers in full; what was asked is only compared."""
    (fill,) = (stop.shown(texts) for stop in STOPS if stop.id == "fill")
    return [(fill[0], [*events, Done()]) for events in answers]


def said(stop: StopId, before: Found, after: Found) -> str:
    return answer(stop, before, after, View(UNICODE, "", None))


def best(prob: float, *, text: str = "x") -> list[Event]:
    choices = [Choice(0, text, 1.0, prob), Choice(1, "y", 0.0, 1 - prob)]
    return [OPENED, Answer(position=0, asks="next", choices=choices)]


@pytest.mark.parametrize(
    ("prob", "word"), [(0.75, "Surer"), (0.25, "Less sure"), (0.500001, "Just as sure")]
)
def test_surer_or_less_sure(prob: float, word: str) -> None:
    written = said("model", found(best(0.5)), found(best(prob)))
    assert written.startswith(f"{word}:")
    assert f"{prob:.2%}" in written
    assert "50.00%" in written


def test_nothing_is_answered_before_all_is_there() -> None:
    (request, events), *_ = found(best(0.25))
    assert said("model", found(best(0.5)), [(request, events[:-1])]) == ""
    assert said("model", found(best(0.5)), [(request, [])]) == ""


def test_unknown_pieces_are_counted() -> None:
    def cut(*pieces: str) -> Found:
        tokens = [Piece(n, piece, piece) for n, piece in enumerate(pieces)]
        return [(found([])[0][0], [Tokens(model="m", tokens=tokens, unknown=0.0, foreign=0.0)])]

    written = said("tokens", cut("a", "b"), cut("[CLS]", "[UNK]", "c", "[UNK]", "[SEP]"))
    assert "makes 5 tokens" in written
    assert "2 of them [UNK]" in written
    assert "makes 2." in written


def test_attention_to_later_tokens_is_a_share_of_all_of_it() -> None:
    def head(*weights: list[float]) -> Found:
        rows = AttentionRows(
            layer=1, head=0, first_row=0, first_column=0, weights=[list(row) for row in weights]
        )
        return found([OPENED, rows])

    written = said("mask", head([1.0, 0.0], [0.5, 0.5]), head([0.25, 0.75], [0.5, 0.5]))
    assert "0.00% goes to later tokens in GPT-2, 37.50% in BERT" in written


@pytest.mark.parametrize(
    ("first", "words"), [(4, "0.0000 in GPT-2 and 0.2500"), (5, "longer text")]
)
def test_a_first_token_that_changes_itself_is_not_compared(first: int, words: str) -> None:
    def state(value: float, token: int = 4) -> list[Event]:
        opened = structs.replace(OPENED, tokens=[Piece(token, "a", "a")])
        values = [value, 1.0, 1.0, 1.0, 9.0 * value]
        return [
            opened,
            Tensor(name="hidden_states[1]", stage="layer", shape=[1, 1, 5], values=values),
        ]

    written = said("sides", [], found(state(1), state(1, first), state(1), state(0.75)))
    assert words in written


@pytest.mark.parametrize(
    ("ids", "words"),
    [([1, 2, 3], "the same text"), ([1, 2, 4], "token 3 on"), ([1, 2], "token 3 on")],
)
def test_where_two_draws_differ(ids: list[int], words: str) -> None:
    def drawn(*numbers: int) -> list[Event]:
        return [
            Token(branch=0, id=n, text="x", logprob=0, sampled_logprob=0, rank=1, entropy=0)
            for n in numbers
        ]

    assert words in said("continue", found(drawn()), found(drawn(1, 2, 3), drawn(*ids)))


def test_a_gap_with_nothing_after_it_is_not_compared() -> None:
    whole, own = found(best(0.5, text="tennis")), Texts(masked="I play [MASK]")
    left = found(best(0.25, text="."), texts=own)
    assert '"tennis" comes first (50.00%)' in said("fill", whole, left)
    assert '"." (25.00%)' in said("fill", whole, left)
    assert "nothing changes" in said("fill", left, left)


def test_a_pair_is_compared_by_whether_it_follows() -> None:
    written = said("pair", found(best(0.75)), found(best(0.25)))
    assert "probability of 25.00%, your sentence B with 75.00%" in written

from __future__ import annotations

import math

import msgspec
import pytest

from engine.messages import (
    Continue,
    CosineResult,
    Fill,
    FillResult,
    NspResult,
    Piece,
    PmiResult,
    PseudoLikelihood,
    Score,
    ScoreResult,
    Started,
)
from engine.messages.parts import Candidate, MaskFill, NspDirection, PmiDirection, ScoredToken
from tests.support.fake_engine import judged, pieces, token
from tui.cards import Card, ContinueCard, FillCard, PllCard, ScoreCard
from tui.cards.refs import BranchToken, MethodToken, Ref
from tui.render.tensors import tensor_lines
from tui.terminal.sanitise import UNICODE


def page(card: Card, ref: Ref | None = None, width: int = 78) -> list[str]:
    return [line.text.strip() for line in tensor_lines(card, ref, width, UNICODE)]


def test_a_filled_text_shows_what_bert_was_fed_and_its_logits() -> None:
    row = pieces("I play [MASK]")
    word = Candidate(id=7, text="tennis", prob=0.25, logit=8.125)
    result = FillResult(
        model="m",
        method="mlm",
        text="I play [MASK]",
        tokens=row,
        masks=[MaskFill(position=3, candidates=[word])],
        vocabulary=6000,
        segments=True,
    )
    card = FillCard(request=Fill(model="m", text=result.text), result=result)
    found = page(card)
    size = f"[1, {len(row)}]"
    assert found[0].startswith(f"input_ids  int64 {size}")
    assert found[1].split() == [str(piece.id) for piece in row]
    assert found[2] == f"token_type_ids  int64 {size}"
    assert found[4:6] == [f"attention_mask  int64 {size}", "  ".join(["1"] * len(row))]
    assert found[6].startswith(f"logits  float32 [1, {len(row)}, 6000]") and "[0, 3]" in found[6]
    assert found[-1].startswith("7 tennis") and found[-1].endswith("25.00%     8.12")
    card.result = msgspec.structs.replace(result, segments=False)
    assert "token_type_ids" not in " ".join(page(card))


def test_a_continuation_shows_what_was_read_before_the_token_under_the_cursor() -> None:
    card = ContinueCard(request=Continue(model="m", prompt="a b"), prompt="a b")
    start = [Piece(id=n, text=f"{n}", piece=f"{n}") for n in (11, 12)]
    card.fold(
        Started(
            model="m",
            revision="",
            precision="exact",
            prompt="a b",
            prompt_tokens=start,
            seed=None,
            vocabulary=300,
        )
    )
    for number in (21, 22):
        card.fold(token("x", number))
    found = page(card, BranchToken(0, 1))
    assert found[1].split() == ["11", "12", "21"]
    assert found[4].startswith("logits  float32 [1, 3, 300]") and "[0, 2]" in found[4]
    logit = card.branches[0].tokens[1].top[0].logprob + 9.5
    percent = math.exp(card.branches[0].tokens[1].top[0].logprob)
    assert found[6].split()[-2:] == [f"{percent:.2%}", f"{logit:.2f}"]
    assert found[-1].split() == ["21", "22"]


def test_a_judged_text_shows_the_row_of_the_masked_place() -> None:
    request = PseudoLikelihood(model="m", text="a bc")
    row = [
        Piece(id=2, text="[CLS]", piece="[CLS]", special=True),
        Piece(id=0, text="a", piece="a", start=0, end=1),
        Piece(id=1, text="bc", piece="bc", start=2, end=4),
    ]
    result = msgspec.structs.replace(judged(request, "original"), row=row, vocabulary=50)
    card = PllCard(request=request, results=[result])
    (line,) = (each for each in page(card, MethodToken(0, 1)) if each.startswith("logits"))
    assert line.startswith("logits  float32 [1, 3, 50]") and "[0, 2]" in line


def test_a_pair_shows_segments_and_what_each_logit_says() -> None:
    row = [Piece(id=5, text="a", piece="a"), Piece(id=6, text="b", piece="b", segment=1)]
    back = NspDirection(probability=0.5, logits=(0.5, 0.25), margin=0.25)
    head = NspResult(
        model="m",
        probability=0.9,
        logits=(2.5, -1.0),
        margin=3.5,
        reversed=back,
        tokens=row,
        attention_mask=[1, 1],
    )
    scored = [ScoredToken(9, "b", -1.0, -2.0)]
    causal = PmiResult(
        model="g",
        bits=1.0,
        bits_per_token=1.0,
        logprob_conditional=-1.0,
        logprob_alone=-2.0,
        tokens=scored,
        reversed=PmiDirection(1.0, 1.0, -1.0, -2.0, scored, [1, 9]),
        join=" ",
        start="<s>",
        before=[1, 8],
        vocabulary=77,
    )
    others: list[ScoreResult] = [causal, CosineResult(model="g", cosine=0.5)]
    card = ScoreCard(request=Score(model="m", a="a", b="b"), result=head, others=others)
    found = page(card)
    assert found[found.index("token_type_ids  int64 [1, 2]") + 1].split() == ["0", "1"]
    assert "+2.5000 is next  -1.0000 not next" in found
    assert "+0.5000 is next  +0.2500 not next" in found
    assert found[found.index("input_ids  int64 [1, 3]") + 1].split() == ["1", "8", "9"]
    assert "logits  float32 [1, 3, 77]" in found


@pytest.mark.parametrize("width", [8, 20, 200])
def test_a_card_without_an_answer_says_so_at_any_width(width: int) -> None:
    card = FillCard(request=Fill(model="m", text="[MASK]"))
    assert "answer" in " ".join(page(card, None, width))

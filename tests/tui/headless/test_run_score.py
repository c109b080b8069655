from __future__ import annotations

import io
import sys

import pytest
from msgspec import structs

from engine.messages import (
    Done,
    NspDirection,
    NspResult,
    Piece,
    PmiDirection,
    PmiResult,
    Score,
    ScoredToken,
    Tokenize,
    Tokens,
)
from tests.tui.headless.conftest import FakeEngine, Tsuzuki

NSP = NspResult(
    model="starter-en",
    probability=0.75,
    logits=(1.5, 0.5),
    margin=1.0,
    reversed=NspDirection(0.25, (0.5, 1.5), -1.0),
    tokens=[Piece(7, "a", "a", start=0, end=1, segment=1)],
    attention_mask=[1],
)
TOKENS = [ScoredToken(7, "b", -1.0, None)]
PMI = PmiResult(
    model="starter-ja",
    bits=2.0,
    bits_per_token=0.5,
    logprob_conditional=-3.0,
    logprob_alone=-4.0,
    tokens=TOKENS,
    reversed=PmiDirection(-2.0, -0.5, -5.0, -4.0, TOKENS),
    join=" ",
    start="<s>",
)


def test_both_directions_are_told(engine: FakeEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Score] = [NSP, Done()]

    result = tsuzuki("score", "A.", "--", "-B.")

    assert result.out.splitlines() == [
        "B continues A  probability 0.750000  margin +1.0000  logits 1.5000 0.5000",
        "A continues B  probability 0.250000  margin -1.0000  logits 0.5000 1.5000",
    ]
    assert engine.asked == [Score(model="starter-en", a="A.", b="-B.")]


def test_a_causal_model_answers_in_bits(engine: FakeEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Score] = [PMI, Done()]

    result = tsuzuki("score", "A.", "B.", "--model", "starter-ja")

    assert result.out.splitlines()[0] == (
        "B continues A  +2.000 bits  +0.500 bits/token  log p given -3.000  alone -4.000"
    )


def test_the_form_of_the_weights_is_asked_for_and_told(
    engine: FakeEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Tokenize] = [Tokens(model="starter-ja", tokens=[], unknown=0.0, foreign=0.0)]
    engine.scripts[Score] = [structs.replace(PMI, precision="bf16"), Done()]

    plain = tsuzuki("score", "A.", "B.", "--model", "starter-ja", "--precision", "bf16", "-v")
    document = tsuzuki("score", "A.", "B.", "--precision", "bf16", "--json").json

    assert plain.err.splitlines()[-1] == "starter-ja ran in bf16"
    assert document["precision"] == "bf16"
    assert Score(model="starter-ja", a="A.", b="B.", precision="bf16") in engine.asked


def test_the_next_sentence_document(engine: FakeEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Score] = [NSP, Done()]

    document = tsuzuki("score", "A.", "B.", "--json").json

    assert document == {
        "model": "starter-en",
        "method": "nsp",
        "probability": 0.75,
        "logits": [1.5, 0.5],
        "margin": 1.0,
        "reversed": {"probability": 0.25, "logits": [0.5, 1.5], "margin": -1.0},
        "tokens": [
            {
                "id": 7,
                "text": "a",
                "piece": "a",
                "special": False,
                "start": 0,
                "end": 1,
                "segment": 1,
            }
        ],
        "attention_mask": [1],
        "precision": "exact",
    }
    assert list(document)[:2] == ["model", "method"]


def test_the_causal_document(engine: FakeEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Score] = [PMI, Done()]

    tokens = [{"id": 7, "text": "b", "conditional": -1.0, "alone": None}]
    assert tsuzuki("score", "A.", "B.", "--json").json == {
        "model": "starter-ja",
        "method": "pmi",
        "bits": 2.0,
        "bits_per_token": 0.5,
        "logprob_conditional": -3.0,
        "logprob_alone": -4.0,
        "reversed": {
            "bits": -2.0,
            "bits_per_token": -0.5,
            "logprob_conditional": -5.0,
            "logprob_alone": -4.0,
            "tokens": tokens,
        },
        "tokens": tokens,
        "join": " ",
        "start": "<s>",
        "precision": "exact",
    }


def test_one_sentence_can_come_from_standard_input(
    engine: FakeEngine, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.scripts[Score] = [NSP, Done()]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("B。\n".encode())))

    tsuzuki("score", "A。", "-")

    assert engine.asked == [Score(model="starter-en", a="A。", b="B。")]


def test_both_cannot(engine: FakeEngine, tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("score", "-", "-")

    assert (result.code, result.out) == (2, "")
    assert "Only one" in result.err

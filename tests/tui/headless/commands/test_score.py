from __future__ import annotations

import io
import sys

import pytest
from msgspec import structs

from engine.messages import (
    Beside,
    CosineResult,
    Done,
    NspDirection,
    NspResult,
    Piece,
    PmiDirection,
    PmiResult,
    Score,
    ScoredToken,
    Shuffled,
    SopDirection,
    SopResult,
    Tokenize,
    Tokens,
    Trimmed,
    Verdict,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

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


NOTHING_MORE: dict[str, object] = {
    "weights": "",
    "verdict": None,
    "cosine": None,
    "cosine_shuffled": None,
    "shuffled": None,
    "trimmed": None,
    "beside": [],
}


def test_both_directions_are_told(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Score] = [NSP, Done()]

    result = tsuzuki("score", "A.", "--", "-B.")

    assert result.out.splitlines() == [
        "starter-en, next sentence: measures topic, order less",
        "  B continues A  margin +1.0000 nats  probability 0.750000"
        "  logits is next 1.5000, not next 0.5000",
        "  A continues B  margin -1.0000 nats  probability 0.250000"
        "  logits is next 0.5000, not next 1.5000",
    ]
    assert engine.asked == [Score(model="starter-en", a="A.", b="-B.", cosine=True)]


def test_witnesses_of_two_models_and_the_verdict_are_told(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    shuffled = Shuffled(unit="words", times=20, percentile=95.0)
    trimmed = Trimmed(a=600, a_kept=250, b=7, b_kept=7)
    engine.scripts[Score] = [
        structs.replace(NSP, shuffled=shuffled, trimmed=trimmed),
        CosineResult(model="starter-en", cosine=0.5),
        PMI,
        Verdict(topic="same", order="reverse"),
        Done(),
    ]
    words = ("score", "A.", "B.", "--with", "starter-ja", "--shuffles", "20")

    lines = tsuzuki(*words).out.splitlines()
    document = tsuzuki(*words, "--json").json

    assert lines[3] == "  above 95 % of 20 shuffles of B's words"
    assert "last 250 of 600 tokens of A" in lines[4]
    assert lines[6] == "  cosine +0.5000"
    assert lines[7] == "starter-ja, mutual information: topic and order"
    assert lines[-1] == "Same topic; the reverse order is likelier."
    assert document["margin"] == 1.0
    assert document["cosine"] == 0.5
    assert document["shuffled"] == {"unit": "words", "times": 20, "percentile": 95.0}
    assert document["trimmed"] == {"a": 600, "a_kept": 250, "b": 7, "b_kept": 7}
    assert document["verdict"] == {"topic": "same", "order": "reverse", "told": lines[-1]}
    assert isinstance(document["beside"], list)
    (other,) = document["beside"]
    assert (other["method"], other["bits"], other["verdict"]) == ("pmi", 2.0, None)
    assert engine.asked[-1] == Score(
        model="starter-en",
        a="A.",
        b="B.",
        cosine=True,
        shuffles=20,
        beside=[Beside(model="starter-ja")],
    )


def test_a_model_without_a_head_has_its_cosine_and_says_what_to_do(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Tokenize] = [Tokens(model="m", tokens=[], unknown=0.0, foreign=0.0)]
    engine.scripts[Score] = [CosineResult(model="m", cosine=0.5), Verdict(), Done()]
    result = tsuzuki("score", "A.", "B.", "--model", "m", "-v")
    assert result.out.splitlines()[1:] == [
        "  cosine +0.5000",
        "No witness here judges whether one text continues the other.",
    ]
    assert "starter-en" in result.err
    assert tsuzuki("score", "A.", "B.", "--json").json["method"] == "cosine"


def test_the_sentence_order_document(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    sop = SopResult(
        model="albert",
        probability=0.75,
        logits=(1.5, 0.5),
        margin=1.0,
        reversed=SopDirection(0.25, (0.5, 1.5), -1.0),
        tokens=[],
        attention_mask=[],
    )
    engine.scripts[Score] = [sop, Verdict(order="this"), Done()]
    document = tsuzuki("score", "A.", "B.", "--json").json
    assert (document["method"], document["margin"]) == ("sop", 1.0)
    assert document["reversed"] == {"probability": 0.25, "logits": [0.5, 1.5], "margin": -1.0}
    assert "sentence order" in tsuzuki("score", "A.", "B.").out


def test_a_causal_model_answers_in_bits(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Score] = [PMI, Done()]

    result = tsuzuki("score", "A.", "B.", "--model", "starter-ja")

    assert result.out.splitlines()[1] == (
        "  B continues A  +2.000 bits  +0.500 bits/token  log p given -3.000  alone -4.000"
    )


def test_the_form_of_the_weights_is_asked_for_and_told(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Tokenize] = [Tokens(model="starter-ja", tokens=[], unknown=0.0, foreign=0.0)]
    engine.scripts[Score] = [structs.replace(PMI, precision="bf16"), Done()]

    plain = tsuzuki("score", "A.", "B.", "--model", "starter-ja", "--precision", "bf16", "-v")
    document = tsuzuki("score", "A.", "B.", "--precision", "bf16", "--json").json

    assert plain.err.splitlines()[-1] == "starter-ja ran in bf16"
    assert document["precision"] == "bf16"
    asked = Score(model="starter-ja", a="A.", b="B.", cosine=True, precision="bf16")
    assert asked in engine.asked


def test_the_next_sentence_document(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
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
        **NOTHING_MORE,
    }
    assert list(document)[:2] == ["model", "method"]


def test_the_causal_document(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
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
            "before": [],
        },
        "tokens": tokens,
        "before": [],
        "join": " ",
        "start": "<s>",
        "precision": "exact",
        **NOTHING_MORE,
    }


def test_one_sentence_can_come_from_standard_input(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.scripts[Score] = [NSP, Done()]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("B。\n".encode())))

    tsuzuki("score", "A。", "-")

    assert engine.asked == [Score(model="starter-en", a="A。", b="B。", cosine=True)]


def test_both_cannot(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("score", "-", "-")

    assert (result.code, result.out) == (2, "")
    assert "Only one" in result.err

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from engine.messages import (
    Done,
    Fill,
    FillResult,
    Hidden,
    JointFill,
    JointFills,
    PairTable,
    Piece,
    Tokenize,
    Tokens,
    WordScore,
)
from tests.support.sample_events import mask
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki


def _answer(engine: ScriptedEngine, *masks: Hidden | None) -> None:
    engine.scripts[Fill] = [
        FillResult(
            model="starter-en",
            method="mlm",
            text="I [MASK].",
            tokens=[Piece(2, "[CLS]", "[CLS]", special=True)],
            masks=[mask("play", hidden, at) for at, hidden in enumerate(masks, start=2)],
        ),
        Done(),
    ]


def test_candidates_are_listed_with_their_probability(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    _answer(engine, None)

    result = tsuzuki("fill", "I [MASK].", "--top", "1")

    assert (result.code, result.out, result.err) == (0, "   1    25.00%  play\n", "")
    assert engine.asked == [Fill(model="starter-en", text="I [MASK].", top=1)]


def test_the_form_of_the_weights_is_asked_for_and_told(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    filled = FillResult(
        model="starter-ja", method="mlm", text="[MASK]", tokens=[], masks=[], precision="int4"
    )
    engine.scripts[Tokenize] = [Tokens(model="starter-ja", tokens=[], unknown=0.0, foreign=0.0)]
    engine.scripts[Fill] = [filled, Done()]

    plain = tsuzuki("fill", "[MASK]", "--model", "starter-ja", "--precision", "auto", "-v")
    document = tsuzuki("fill", "[MASK]", "--precision", "int4", "--json").json

    assert plain.err.splitlines()[-1] == "starter-ja ran in int4"
    assert document["precision"] == "int4"
    asked = [body.precision for body in engine.asked if isinstance(body, Fill)]
    assert asked == ["auto", "int4"]


def test_a_hidden_word_has_its_own_probability_and_rank(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    _answer(engine, Hidden("sing", 1, 0.0000123, 17))

    result = tsuzuki("fill", "I sing.", "--mask", "2")

    assert result.out.splitlines()[-1] == "  17  1.2e-03%  sing  (hidden)"
    assert engine.asked == [Fill(model="starter-en", text="I [MASK].", hidden=["sing"])]


def test_a_hidden_word_of_several_pieces_has_none(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    _answer(engine, Hidden("yodelled", 3))

    assert "yodelled is 3 pieces" in tsuzuki("fill", "I yodelled.", "--mask", "2").out


def test_several_masks_are_told_apart(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    _answer(engine, None, None)

    result = tsuzuki("fill", "[MASK] [MASK]")

    headings = [line for line in result.out.splitlines() if line.startswith("mask")]
    assert headings == ["mask 1, token 2", "mask 2, token 3"]


def test_several_words_can_be_hidden_beside_masks(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    _answer(engine, None)

    tsuzuki("fill", "I [MASK] very well.", "--mask", "4", "--mask", "1")

    assert engine.asked == [
        Fill(
            model="starter-en",
            text="[MASK] [MASK] very [MASK].",
            hidden=["I", None, "well"],
        )
    ]


def test_the_document_has_the_promised_fields(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    _answer(engine, Hidden("sing", 1, 0.125, 17))

    document = tsuzuki("fill", "I sing.", "--mask", "2", "--json").json

    assert document == {
        "model": "starter-en",
        "method": "mlm",
        "text": "I [MASK].",
        "tokens": [
            {
                "id": 2,
                "text": "[CLS]",
                "piece": "[CLS]",
                "special": True,
                "start": None,
                "end": None,
                "segment": 0,
            }
        ],
        "masks": [
            {
                "position": 2,
                "candidates": [{"id": 3, "text": "play", "prob": 0.25, "logit": None}],
                "hidden": {
                    "word": "sing",
                    "pieces": 1,
                    "prob": 0.125,
                    "rank": 17,
                    "logit": None,
                },
            }
        ],
        "pool": None,
        "precision": "exact",
    }
    assert list(document)[:5] == ["model", "method", "text", "tokens", "masks"]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["I sing."], "nothing to fill"),
        ([""], "nothing to fill"),
        (["I sing.", "--mask", "3"], "--mask 3: the text has 2 words"),
        (["I sing.", "--mask", "0"], "--mask 0: the text has 2 words"),
        (["", "--mask", "1"], "--mask 1: the text has 0 words"),
        (["東京は日本の首都です。", "--mask", "1"], "words split at spaces"),
        (["I [MASK].", "--mask", "2"], "--mask 2: that word is a mask already"),
        (["[MASK]", "--top", "0"], "--top 0: must be 1 or more"),
    ],
)
def test_wrong_use_is_told_before_the_engine_starts(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, arguments: list[str], complaint: str
) -> None:
    result = tsuzuki("fill", *arguments)

    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert result.err.count("\n") <= 2
    assert engine.configured == []


def test_words_pieces_and_joint_fillings_are_asked_for_and_told(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    words = [
        WordScore(text="sing", ids=[5], logprob=-1.5, rank=2),
        WordScore(text="yodel", ids=[5, 6], logprob=-9.0, rank=900),
        WordScore(text="☃", ids=[1], logprob=None, rank=None),
    ]
    asked = structs.replace(mask("play"), words=words, whole=words[:1])
    filling = JointFill(words=["play", "well"], ids=[3, 4], logprob=-2.0, ratio=0.5)
    joint = [JointFills(method="hcb", fillings=[filling])]
    table = PairTable(left=[], right=[], left_first=[], right_first=[])
    engine.scripts[Fill] = [
        FillResult(
            model="starter-en",
            method="mlm",
            text="[MASK] [MASK]",
            tokens=[],
            masks=[mask("play"), asked],
            joint=joint,
            table=table,
        ),
        Done(),
    ]
    file = tmp_path / "words.txt"
    file.write_text("sing\nyodel\n\n☃\nsing\n", encoding="utf-8")
    options = ["--words", str(file), "--pieces", "2", "--joint", "hcb"]

    document = tsuzuki("fill", "[MASK] [MASK]", *options, "--json").json
    plain = tsuzuki("fill", "[MASK] [MASK]", "--words", "yodel, sing", "--joint", "hcb").out

    assert document["words"] == [
        {"text": "sing", "pieces": 1, "logprob": -1.5, "rank": 2, "mask": 2},
        {"text": "yodel", "pieces": 2, "logprob": -9.0, "rank": 900, "mask": 2},
        {"text": "☃", "pieces": 1, "logprob": None, "rank": None, "mask": 2},
    ]
    assert document["whole"] == document["words"][:1]
    assert document["joint"] == [{"words": ["play", "well"], "logprob": -2.0, "ratio": 0.5}]
    assert document["table"] == {"left": [], "right": [], "left_first": [], "right_first": []}
    first, second = (body for body in engine.asked if isinstance(body, Fill))
    assert (first.words, first.pieces, first.joint_methods) == (["sing", "yodel", "☃"], 2, ["hcb"])
    assert (second.words, second.pieces, second.joint_methods) == (["yodel", "sing"], 1, ["hcb"])
    lines = [line.split() for line in plain.splitlines()]
    assert lines.index(["2", "-1.5000", "sing"]) < lines.index(["900", "-9.0000", "yodel"])
    header = lines.index(["log", "p", "log-ratio", "words"])
    assert lines[header + 1] == ["-2.0000", "+0.5000", "play", "well"]


def test_several_joint_methods_are_told_apart(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    filling = JointFill(words=["play", "well"], ids=[3, 4], logprob=-3.0)
    engine.scripts[Fill] = [
        FillResult(
            model="starter-en",
            method="mlm",
            text="[MASK] [MASK]",
            tokens=[],
            masks=[],
            joint=[
                JointFills(method="hcb", fillings=[structs.replace(filling, logprob=-2.0)]),
                JointFills(method="independent", fillings=[filling]),
            ],
        ),
        Done(),
    ]
    options = ["--joint", "hcb", "--joint", "independent"]

    document = tsuzuki("fill", "[MASK] [MASK]", *options, "--json").json
    plain = tsuzuki("fill", "[MASK] [MASK]", *options).out.splitlines()

    assert document["joint"] == [
        {"words": ["play", "well"], "logprob": -2.0, "method": "hcb"},
        {"words": ["play", "well"], "logprob": -3.0, "method": "independent"},
    ]
    assert [line.split()[-1] for line in plain if "together" in line] == ["(hcb)", "(independent)"]
    (asked, _) = (body for body in engine.asked if isinstance(body, Fill))
    assert asked.joint_methods == ["hcb", "independent"]


@pytest.mark.parametrize("listed", [",", "  ", "./none.txt", "/nowhere/words"])
def test_a_list_without_words_is_wrong_use(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, listed: str
) -> None:
    result = tsuzuki("fill", "[MASK]", "--words", listed)
    assert (result.code, engine.configured) == (2, [])
    assert result.err.count("\n") <= 2

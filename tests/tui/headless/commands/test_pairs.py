from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from engine.messages import (
    Done,
    Error,
    Event,
    ListModels,
    Models,
    Request,
    ScoredBy,
    ScoreTexts,
    TextScore,
    TextToken,
)
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

SCORES = {"the": -1.0, "cats": -2.0, "are": -1.0, "is": -4.0, "am": -0.5}


@pytest.fixture
def scoring(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> ScriptedEngine:
    """An engine with one masked model that scores words by a list."""
    engine.scripts[ListModels] = [Models([model("starter-en", heads=["masked"])])]
    plain = engine.request

    async def request(body: Request) -> AsyncGenerator[Event, None]:
        if not isinstance(body, ScoreTexts):
            async for event in plain(body):
                yield event
            return
        engine.asked.append(body)
        yield ScoredBy(model=body.model, revision="7", method=body.method or "original", start=None)
        error = Error(kind="too_long", message="It is too long.", hint="Shorten it.")
        for index, written in reversed(list(enumerate(body.texts))):
            words = written.split()
            if "too" in words:
                yield TextScore(index=index, error=error)
            else:
                tokens = [TextToken(1, word, 0, 1, SCORES[word], 1, 0.5) for word in words]
                yield TextScore(index=index, tokens=tokens)
        yield Done()

    monkeypatch.setattr(engine, "request", request)
    return engine


def written(tmp_path: Path, content: str) -> str:
    path = tmp_path / "pairs.tsv"
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_rows_accuracy_and_the_difference_by_token(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    lines = [
        "the cats are\tthe cats is",
        json.dumps({"good": "cats are", "bad": "cats am"}),
        json.dumps({"sentence_good": "cats", "sentence_bad": "cats", "field": 1}),
    ]
    told = tsuzuki("pairs", written(tmp_path, "\n".join(lines)), "--json").json
    assert (told["model"], told["method"]) == ("starter-en", "original")
    assert told["accuracy"] == pytest.approx(1 / 3)
    rows = told["rows"]
    assert isinstance(rows, list)
    assert [row["correct"] for row in rows] == [True, False, False]
    assert rows[0] == {
        "good": "the cats are",
        "bad": "the cats is",
        "good_logprob": -4.0,
        "bad_logprob": -7.0,
        "difference": 3.0,
        "correct": True,
        "tokens": [
            {"good": "the", "bad": "the", "difference": 0.0},
            {"good": "cats", "bad": "cats", "difference": 0.0},
            {"good": "are", "bad": "is", "difference": 3.0},
        ],
    }


def test_each_pair_is_a_line_and_the_share_comes_last(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = written(tmp_path, "cats are\tcats is\ncats are\tcats am\n")
    result = tsuzuki("pairs", file, "--method", "within_word_l2r")
    assert result.out.splitlines() == [
        "1  +3.0000  right  cats are",
        "2  -0.5000  wrong  cats are",
        "50.0% of 2 pairs right",
    ]
    methods = {body.method for body in scoring.asked if isinstance(body, ScoreTexts)}
    assert methods == {"within_word_l2r"}


def test_good_rows_are_scored_and_bad_ones_are_named_with_line_and_reason(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = written(tmp_path, "cats are\tcats is\ntoo\tcats\n\nonly one\ncats\tam\n")
    result = tsuzuki("pairs", file, "--json")
    assert result.code == 1
    told = result.json
    rows, errors = told["rows"], told["errors"]
    assert isinstance(rows, list) and isinstance(errors, list)
    assert [row["good"] for row in rows] == ["cats are", "cats"]
    assert told["accuracy"] == 0.5
    assert [(each["index"], each["line"]) for each in errors] == [(1, 2), (2, 4)]
    assert errors[0]["error"] == "Line 2: It is too long."
    assert "1 columns" in errors[1]["error"]
    assert result.err == "2 of 4 pairs could not be scored\n"
    plain = tsuzuki("pairs", file)
    assert plain.out.splitlines()[1] == "2  Line 2: It is too long."
    assert (plain.code, plain.out.splitlines()[-1]) == (1, "50.0% of 2 pairs right")


def test_a_method_of_masked_models_is_not_ignored_for_a_causal_one(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    engine.scripts[ListModels] = [Models([model("starter-ja")])]
    file = written(tmp_path, "cats\tcat\n")
    result = tsuzuki("pairs", file, "--model", "starter-ja", "--method", "original")
    assert (result.code, result.out) == (2, "")
    assert "--method" in result.err


@pytest.mark.parametrize("header", ["good\tbad", "Sentence Good\tsentence_bad", "GOOD\tfield\tBad"])
def test_a_header_is_no_pair(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, header: str
) -> None:
    row = "cats are\tx\tcats is" if "field" in header else "cats are\tcats is"
    result = tsuzuki("pairs", written(tmp_path, f"{header}\n{row}\n"), "--json")
    rows = result.json["rows"]
    assert isinstance(rows, list)
    assert [(row["good"], row["bad"]) for row in rows] == [("cats are", "cats is")]
    assert "Line 1 names the columns" in result.err
    assert result.code == 0


def test_a_model_that_is_not_there_is_wrong_use(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    result = tsuzuki("pairs", written(tmp_path, "cats\tcats\n"), "--model", "none")
    assert result.code == 2
    assert "none" in result.err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [("\n", "no pairs"), ("one\n", "1 columns"), ('{"good": "x"}\n', "no texts good and bad")],
)
def test_a_file_without_pairs_is_told_before_the_engine_starts(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, content: str, complaint: str
) -> None:
    result = tsuzuki("pairs", written(tmp_path, content))
    assert (result.code, engine.configured) == (2, [])
    assert complaint in result.err
    assert tsuzuki("pairs", str(tmp_path / "none")).code == 2


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        (
            "pairs.csv",
            'id,good,bad,correct\n1,cats are,cats is,x\n2\n"3",too,cats,y\n',
            [
                "id,good,bad,correct,good_logprob,bad_logprob,difference,tsuzuki_correct",
                "1,cats are,cats is,x,-3.0,-6.0,3.0,TRUE",
                "3,too,cats,y,NA,NA,NA,NA",
            ],
        ),
        (
            "pairs.tsv",
            "good\tid\tbad\ncats are\t1\tcats is\n",
            [
                "good,id,bad,good_logprob,bad_logprob,difference,correct",
                "cats are,1,cats is,-3.0,-6.0,3.0,TRUE",
            ],
        ),
        (
            "pairs.jsonl",
            '{"sentence_good": "cats are", "n": 1.50, "sentence_bad": "cats am"}\n',
            [
                "sentence_good,n,sentence_bad,good_logprob,bad_logprob,difference,correct",
                "cats are,1.50,cats am,-3.0,-2.5,-0.5,FALSE",
            ],
        ),
        (
            "pairs.txt",
            "cats are\tcats is\n",
            [
                "good,bad,good_logprob,bad_logprob,difference,correct",
                "cats are,cats is,-3.0,-6.0,3.0,TRUE",
            ],
        ),
    ],
)
def test_a_table_keeps_the_columns_of_the_file(
    scoring: ScriptedEngine,
    tsuzuki: Tsuzuki,
    tmp_path: Path,
    name: str,
    content: str,
    expected: list[str],
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    out = tmp_path / "out.csv"
    result = tsuzuki("pairs", str(tmp_path / name), "--csv", str(out))
    assert result.out == ""
    assert out.read_text(encoding="utf-8").splitlines() == expected
    about = json.loads((tmp_path / "out.csv.json").read_text())
    assert (about["model"], about["method"], about["unit"]) == ("starter-en", "original", "pair")
    assert result.code == (1 if name == "pairs.csv" else 0)


def test_a_row_in_another_encoding_is_named_and_the_rest_is_scored(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    path = tmp_path / "pairs.tsv"
    path.write_bytes(b"cats are\tcats is\r\n" + "東京\t街\r\n".encode("cp932"))
    result = tsuzuki("pairs", str(path))
    assert result.code == 1
    assert result.out.splitlines()[:2] == [
        "1  +3.0000  right  cats are",
        "2  Line 2 holds no pair: it is not UTF-8",
    ]
    path.write_bytes("cats are\tcats is\r\n".encode("utf-16"))
    assert tsuzuki("pairs", str(path)).out.splitlines()[0] == "1  +3.0000  right  cats are"


def test_columns_of_any_table_can_be_named(
    scoring: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"x": "is", "n": 1, "y": "are"}\n{"x": "is"}\n')
    command = ("pairs", str(path), "--column")
    told = tsuzuki(*command, "y", "--column", "x", "--json").json
    (asked,) = (body for body in scoring.asked if isinstance(body, ScoreTexts))
    assert asked.texts == ["are", "is"]
    errors = told["errors"]
    assert isinstance(errors, list) and [error["line"] for error in errors] == [2]
    assert tsuzuki(*command, "x").err == (
        "Name the columns of both texts: --column FIRST --column SECOND\n"
    )
    result = tsuzuki(*command, "x", "--column", "z")
    assert result.code == 2 and result.err.startswith(f"There is no column z in {path}")

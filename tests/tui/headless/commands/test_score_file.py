from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path

import pytest

from engine.messages import (
    CosineResult,
    Done,
    Error,
    ListModels,
    Models,
    PairScore,
    ScorePairs,
    Verdict,
)
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.commands.test_score import NSP, PMI
from tests.tui.headless.conftest import Tsuzuki

WRONG = Error(kind="bad_request", message="Text B is empty.", hint="Write both texts.")
PAIRS = [("What is baseball ?", "It is a game."), ("東京", "街は")]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "pairs.tsv"
    path.write_text("What is baseball ?\tIt is a game.\n\n東京\t街は\r\n", encoding="utf-8")
    return path


def test_a_line_of_json_for_each_pair_in_the_order_of_the_file(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path
) -> None:
    engine.scripts[ScorePairs] = [
        PairScore(index=1, result=PMI),
        PairScore(
            index=0,
            result=NSP,
            others=[CosineResult(model="starter-en", cosine=0.5)],
            verdict=Verdict(topic="same"),
        ),
        Done(),
    ]
    result = tsuzuki("score", "--file", str(file), "--json")
    first, second = (json.loads(line) for line in result.out.splitlines())
    assert (first["index"], first["method"], first["margin"]) == (0, "nsp", 1.0)
    assert (first["cosine"], first["verdict"]["topic"]) == (0.5, "same")
    assert (second["index"], second["method"], second["bits"]) == (1, "pmi", 2.0)
    assert result.code == 0
    assert engine.asked == [ScorePairs(model="starter-en", pairs=PAIRS)]


def test_a_pair_that_cannot_be_scored_is_told_and_fails_at_the_end(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path
) -> None:
    engine.scripts[ScorePairs] = [
        PairScore(index=0, error=WRONG),
        PairScore(index=1, result=NSP),
        Done(),
    ]
    result = tsuzuki("score", "--file", str(file), "--json")
    first, second = (json.loads(line) for line in result.out.splitlines())
    told = "Line 1: Text B is empty."
    assert first == {"index": 0, "line": 1, "error": told, "hint": "Write both texts."}
    assert second["index"] == 1
    assert result.code == 1
    plain = tsuzuki("score", "--file", str(file)).out.splitlines()
    assert plain[0] == "1  Line 1: Text B is empty."
    assert result.err == "1 of 2 pairs could not be scored\n"
    assert plain[1].startswith("2  margin +1.0000 nats  probability 0.750000")


def test_json_lines_and_standard_input_are_read(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = [json.dumps({"a": a, "b": b, "more": 1}) for a, b in PAIRS]
    stdin = io.TextIOWrapper(io.BytesIO("\n".join(lines).encode()))
    monkeypatch.setattr(sys, "stdin", stdin)
    engine.scripts[ScorePairs] = [Done()]
    tsuzuki("score", "--file", "-", "--json")
    assert engine.asked == [ScorePairs(model="starter-en", pairs=PAIRS)]


def test_a_long_file_is_asked_in_parts_that_count_on(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.headless.commands.score_file.BLOCK", 1)
    engine.scripts[ScorePairs] = [PairScore(index=0, result=NSP), Done()]
    lines = tsuzuki("score", "--file", str(file), "--json").out.splitlines()
    assert [json.loads(line)["index"] for line in lines] == [0, 1]


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a\tb\nno tab here\n", "Line 2"),
        ("x\ty\tz\n", "3 columns"),
        ('{"a": "x"}\n', "Line 1"),
        ('{"a": "x", "b": 3}\n', "Line 1"),
        ("\n \n", "no pairs"),
    ],
)
def test_a_file_without_any_pair_is_told_before_anything_is_scored(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, content: str, told: str
) -> None:
    path = tmp_path / "bad.tsv"
    path.write_text(content)
    result = tsuzuki("score", "--file", str(path))
    assert result.code == 2
    assert told in result.err
    assert engine.asked == []


def test_a_header_names_the_columns_and_a_bad_row_stops_no_other(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    path = tmp_path / "some.tsv"
    path.write_text("id\tText B\ttext_a\n1\ty\tx\nbroken\n\n2\tv\tu\n")
    engine.scripts[ScorePairs] = [
        PairScore(index=1, result=PMI),
        PairScore(index=0, result=NSP),
        Done(),
    ]
    result = tsuzuki("score", "--file", str(path), "--json")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert engine.asked == [ScorePairs(model="starter-en", pairs=[("x", "y"), ("u", "v")])]
    assert [row["index"] for row in rows] == [0, 1, 2]
    assert (rows[1]["line"], "Line 3" in rows[1]["error"]) == (3, True)
    assert (rows[0]["method"], rows[2]["method"]) == ("nsp", "pmi")
    assert result.code == 1
    assert "Line 1 names the columns text_a and Text B" in result.err
    assert "1 of 3 pairs could not be scored" in result.err


@pytest.mark.parametrize("header", ["good\tbad", "Sentence 1\tsentence_2", "a\tb"])
def test_the_usual_headers_are_no_pairs(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, header: str
) -> None:
    path = tmp_path / "some.tsv"
    path.write_text(f"{header}\nx\ty\n")
    engine.scripts[ScorePairs] = [PairScore(index=0, result=NSP), Done()]
    assert tsuzuki("score", "--file", str(path)).code == 0
    assert engine.asked == [ScorePairs(model="starter-en", pairs=[("x", "y")])]


def test_an_interruption_keeps_what_was_scored(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path
) -> None:
    engine.scripts[ScorePairs] = [PairScore(index=1, result=PMI), signal.SIGINT]
    result = tsuzuki("score", "--file", str(file), "--json")
    assert [json.loads(line)["index"] for line in result.out.splitlines()] == [1]
    assert result.code == 130


def test_a_file_that_is_not_there_or_no_text_is_wrong_use(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    assert tsuzuki("score", "--file", str(tmp_path / "none")).code == 2
    (tmp_path / "latin").write_bytes(b"caf\xe9\tb")
    assert "UTF-8" in tsuzuki("score", "--file", str(tmp_path / "latin")).err


def test_cosine_and_shuffles_are_asked_for(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path
) -> None:
    engine.scripts[ScorePairs] = [Done()]
    tsuzuki("score", "--file", str(file), "--cosine", "--shuffles", "5")
    assert engine.asked == [ScorePairs(model="starter-en", pairs=PAIRS, cosine=True, shuffles=5)]
    assert tsuzuki("score", "--file", str(file), "--shuffles", "-1").code == 2
    assert tsuzuki("score", "--file", str(file), "--with", "starter-ja").code == 2


@pytest.mark.parametrize("arguments", [(), ("A",), ("A", "B", "--file", "x")])
def test_two_texts_or_a_file(tsuzuki: Tsuzuki, arguments: tuple[str, ...]) -> None:
    result = tsuzuki("score", *arguments)
    assert result.code == 2
    assert "--file" in result.err


def test_a_table_keeps_the_columns_of_the_file(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    path, out = tmp_path / "some.csv", tmp_path / "out.tsv"
    path.write_text("id,b,a,order\n1,y,x,n\nbroken\n2,v,u,\n", encoding="utf-8")
    cosine = CosineResult(model="starter-en", cosine=0.5)
    engine.scripts[ScorePairs] = [
        PairScore(index=1, error=WRONG),
        PairScore(index=0, result=PMI, others=[cosine], verdict=Verdict(topic="same")),
        Done(),
    ]
    engine.scripts[ListModels] = [Models([model("starter-ja")])]
    result = tsuzuki("score", "--file", str(path), "--tsv", str(out), "--model", "starter-ja")
    assert (result.code, result.out) == (1, "")
    assert out.read_text(encoding="utf-8").split("\n")[:-1] == [
        "id\tb\ta\torder\tbits\tbits_per_token\tconditional\talone\tbits_reversed"
        "\tbits_per_token_reversed\tconditional_reversed\talone_reversed\tcosine\ttopic"
        "\ttsuzuki_order",
        "1\ty\tx\tn\t2.0\t0.5\t-3.0\t-4.0\t-2.0\t-0.5\t-5.0\t-4.0\t0.5\tsame\tNA",
        '2\tv\tu\t""' + "\tNA" * 11,
    ]
    about = json.loads((tmp_path / "out.tsv.json").read_text())
    assert (about["model"], about["method"], about["start"]) == ("starter-ja", "pmi", "<s>")
    assert about["revision"] == model("starter-ja").revision
    assert result.err.splitlines()[-1] == "2 of 3 pairs could not be scored"
    assert tsuzuki("score", "x", "y", "--csv", str(out)).code == 2

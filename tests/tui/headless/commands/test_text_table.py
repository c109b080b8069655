"""`surprisal` and `pll` of the texts of a table, with an engine that counts letters."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import pytest

from engine.messages import Done, Error, ScoredBy, ScoreTexts, TextScore, TextToken
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

BY = ScoredBy(model="m", revision="7", method="causal", start=None)


def token(text: str, start: int, bits: float | None) -> TextToken:
    if bits is None:
        return TextToken(1, text, start, start + len(text))
    return TextToken(1, text, start, start + len(text), -bits * math.log(2), 4, 2 * math.log(2))


TOKENS = [token("It", 0, None), token(" was", 2, 2.0), token("n", 6, 1.0), token(".", 7, 4.0)]


@pytest.fixture
def file(engine: ScriptedEngine, tmp_path: Path) -> Path:
    """A table whose rows are scored in another order than theirs, the last in vain."""
    error = Error(kind="too_long", message="It is too long.")
    scores = [TextScore(index=1, error=error), TextScore(index=0, tokens=TOKENS)]
    engine.scripts[ScoreTexts] = [BY, *scores, Done()]
    path = tmp_path / "items.csv"
    path.write_text('item,sentence,position\n1,It wasn.,a\n2\n3,"b, ""c""",NA\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (
            "token",
            [
                "item,sentence,position,tsuzuki_position,token,surprisal_bits,rank,entropy_bits",
                "1,It wasn.,a,1,It,NA,NA,NA",
                "1,It wasn.,a,2, was,2.0,4,2.0",
                "1,It wasn.,a,3,n,1.0,4,2.0",
                "1,It wasn.,a,4,.,4.0,4,2.0",
                '3,"b, ""c""",NA,NA,NA,NA,NA,NA',
            ],
        ),
        (
            "word",
            [
                "item,sentence,position,tsuzuki_position,word,surprisal_bits,tokens,punctuation",
                "1,It wasn.,a,1,It,NA,1,FALSE",
                "1,It wasn.,a,2,wasn,3.0,2,FALSE",
                "1,It wasn.,a,3,.,4.0,1,TRUE",
                '3,"b, ""c""",NA,NA,NA,NA,NA,NA',
            ],
        ),
        (
            "sentence",
            [
                "item,sentence,position,surprisal_bits,tokens,bits_per_token,words,bits_per_word",
                "1,It wasn.,a,7.0,3,2.3333333333333335,1,3.0",
                '3,"b, ""c""",NA,NA,NA,NA,NA,NA',
            ],
        ),
    ],
)
def test_rows_stay_in_order_with_their_columns(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path, unit: str, expected: list[str]
) -> None:
    out = file.with_name("out.csv")
    result = tsuzuki(
        "surprisal", "--file", str(file), "--unit", unit, "--csv", str(out), "--model", "m"
    )
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"{file}: line 3: 1 cells, where the first line names 3 columns",
        f"{file}: line 4: It is too long.",
        "2 of 3 rows could not be scored",
    ]
    assert out.read_text(encoding="utf-8").splitlines() == expected
    about = json.loads(out.with_name("out.csv.json").read_text())
    assert (about["model"], about["revision"], about["start"]) == ("m", "7", None)
    assert (about["command"], about["unit"], about["missing"]) == ("surprisal", unit, "NA")
    assert about["word_method"] == ([] if unit == "token" else ["whitespace"])
    (asked,) = engine.asked
    assert asked == ScoreTexts(model="m", texts=["It wasn.", 'b, "c"'], method="causal")


def test_without_a_file_to_write_rows_go_to_standard_output(tsuzuki: Tsuzuki, file: Path) -> None:
    command = ("surprisal", "--file", str(file), "--column", "sentence", "--model", "m")
    found = list(csv.DictReader(tsuzuki(*command).out.splitlines(), delimiter="\t"))
    assert [row["word"] for row in found] == ["It", "wasn", ".", "NA"]
    rows = [json.loads(line) for line in tsuzuki(*command, "--json").out.splitlines()]
    assert rows[1]["surprisal_bits"] == 3.0 and rows[3]["surprisal_bits"] is None


def test_pll_asks_for_its_method(engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path) -> None:
    command = ("pll", "--file", str(file), "--unit", "sentence", "--model", "m")
    tsuzuki(*command, "--method", "within_word_l2r")
    assert [body.method for body in engine.asked if isinstance(body, ScoreTexts)] == [
        "within_word_l2r"
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--file", "FILE", "--column", "text"), "There is no column text in"),
        (("hello", "--unit", "word"), "are for a table"),
        (("--file", "FILE", "--unit", "word", "--word-boundary"), "--word-boundary is for one"),
        (("--file", "FILE", "--csv", "a", "--tsv", "b"), "it does not go with --csv"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    tsuzuki: Tsuzuki, tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("sentence,b\n1,2\n")
    given = (str(file) if each == "FILE" else each for each in arguments)
    result = tsuzuki("surprisal", *given, "--model", "m")
    assert result.code == 2 and why in result.err

"""`tsuzuki words` with an engine whose figures a test sets."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from engine.messages import (
    Done,
    Error,
    ScoredBy,
    TextToken,
    TrackedText,
    TrackedWord,
    TrackWords,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

TOKENS = [TextToken(5, "The", 0, 3), TextToken(6, " nurse", 3, 9)]
HE = TrackedWord(
    word="he", ids=[7], logprobs=[None, -math.log(4), -math.log(2)], ranks=[None, 3, 1]
)
SHE = TrackedWord(
    word="she", ids=[8, 9], logprobs=[None, -math.log(2), -math.log(2)], ranks=[None, 1, 1]
)
BY = ScoredBy(model="m", revision="r", method="causal", start=None)


def tracked(index: int = 0) -> TrackedText:
    return TrackedText(index=index, tokens=TOKENS, words=[HE, SHE])


def test_a_line_for_each_place_with_the_difference_of_two_words(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[TrackWords] = [BY, tracked(), Done()]
    result = tsuzuki("words", "The nurse", "--words", "he,she", "--model", "m", "--no-start")
    assert result.out.splitlines() == [
        "               he                she        bits  in place of",
        "                –                  –           –  'The'",
        "  25.00%       #3    50.00%       #1       -1.00  ' nurse'",
        "  50.00%       #1    50.00%       #1       +0.00  (after the end)",
    ]
    assert engine.asked == [
        TrackWords(model="m", texts=["The nurse"], words=["he", "she"], start=False)
    ]


def test_the_document(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[TrackWords] = [BY, tracked(), Done()]
    found = tsuzuki("words", "The nurse", "--words", "he,she", "--model", "m", "--json").json
    assert {key: found[key] for key in ("model", "method", "bos", "windows", "words")} == {
        "model": "m",
        "method": "causal",
        "bos": None,
        "windows": 1,
        "words": {"he": [7], "she": [8, 9]},
    }
    places = found["places"]
    assert isinstance(places, list)
    assert places[1] == {
        "id": 6,
        "token": " nurse",
        "start": 3,
        "end": 9,
        "words": [
            {"word": "he", "logprob": -math.log(4), "rank": 3},
            {"word": "she", "logprob": -math.log(2), "rank": 1},
        ],
        "difference_bits": -1.0,
    }
    assert (places[2]["token"], places[0]["words"][0]["rank"]) == (None, None)


def test_a_table_has_a_row_for_each_word_at_each_place(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = tmp_path / "in.csv"
    file.write_text("item,sentence\n1,The nurse\n2,\n")
    error = Error(kind="bad_request", message="It is empty.")
    engine.scripts[TrackWords] = [BY, tracked(), TrackedText(index=1, error=error), Done()]
    out = tmp_path / "out.csv"
    command = ("words", "--file", str(file), "--words", "he,she", "--csv", str(out))
    result = tsuzuki(*command, "--model", "m")
    assert result.code == 1
    assert f"{file}: line 3: It is empty." in result.err
    assert out.read_text().splitlines() == [
        "item,sentence,position,token,word,probability,surprisal_bits,rank",
        "1,The nurse,1,The,he,NA,NA,NA",
        "1,The nurse,1,The,she,NA,NA,NA",
        "1,The nurse,2, nurse,he,0.25,2.0,3",
        "1,The nurse,2, nurse,she,0.5,1.0,1",
        "1,The nurse,3,NA,he,0.5,1.0,1",
        "1,The nurse,3,NA,she,0.5,1.0,1",
        '2,"",NA,NA,NA,NA,NA,NA',
    ]
    about = json.loads((tmp_path / "out.csv.json").read_text())
    assert (about["command"], about["unit"], about["method"]) == ("words", "place", "causal")


@pytest.mark.parametrize(
    "arguments", [("The",), ("The", "--words", " , "), ("The", "--words", "a", "--csv", "x.csv")]
)
def test_what_is_missing_is_named(tsuzuki: Tsuzuki, arguments: tuple[str, ...]) -> None:
    result = tsuzuki("words", *arguments, "--model", "m")
    assert (result.code, result.out) == (2, "")
    assert 1 <= result.err.count("\n") <= 2


def test_a_text_that_cannot_be_read_fails_in_words(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    error = Error(kind="too_long", message="Too long.", hint="Cut it.")
    engine.scripts[TrackWords] = [BY, TrackedText(index=0, error=error), Done()]
    result = tsuzuki("words", "The", "--words", "a", "--model", "m")
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == ["Too long.", "Cut it."]

"""`fill` of the texts of a table, with an engine that has one candidate."""

from __future__ import annotations

import csv
import json
import math
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
    ListModels,
    Models,
    WordScore,
)
from tests.support.sample_events import mask, model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki
from tui.headless.commands.fill_table import COLUMNS

HALF = -math.log(2)


@pytest.fixture(autouse=True)
def answers(engine: ScriptedEngine) -> None:
    words = [WordScore(text="went", ids=[7, 8], logprob=2 * HALF, rank=None)]
    words.append(WordScore(text="x", ids=[], logprob=None, rank=None))
    first = structs.replace(mask("play", Hidden("see", 1, 0.5, 2), 2), words=words, whole=words[:1])
    filling = JointFill(words=["play"], ids=[1], logprob=2 * HALF)
    result = FillResult(
        model="m",
        method="mlm",
        text="[MASK]",
        tokens=[],
        masks=[first],
        joint=[JointFills(method="left_to_right", fillings=[filling])],
    )
    engine.scripts[Fill] = [result, Done()]
    engine.scripts[ListModels] = [Models([model("m", heads=["masked"])])]


def test_a_row_for_each_word_at_each_mask(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file, out = tmp_path / "a.csv", tmp_path / "o.csv"
    file.write_text("item,text\n1,I see.\n2\n3,Go.\n4,I see it.\n")
    command = ("fill", "--file", str(file), "--csv", str(out), "--model", "m")
    result = tsuzuki(*command, "--mask", "2", "--top", "3", "--words", "went,x")
    assert result.code == 1
    assert result.err.splitlines() == [
        f"{file}: line 3: 1 cells, where the first line names 2 columns",
        f"{file}: line 4: --mask 2: the text has 1 words, split at spaces",
        "2 of 4 rows could not be scored",
    ]
    asked = [body for body in engine.asked if isinstance(body, Fill)]
    assert [(body.text, body.hidden) for body in asked] == [
        ("I [MASK].", ["see"]),
        ("I [MASK] it.", ["see"]),
    ]
    assert all((body.top, body.words) == (3, ["went", "x"]) for body in asked)
    rows = list(csv.DictReader(out.read_text().splitlines()))
    assert [row["item"] for row in rows] == ["1"] * 6 + ["3"] + ["4"] * 6
    assert [[row[name] for name in COLUMNS] for row in rows[:7]] == [
        ["1", "candidates", "1", "play", "0.25", "2.0"],
        ["1", "hidden", "2", "see", "0.5", "1.0"],
        ["1", "words", "NA", "went", "0.25", "2.0"],
        ["1", "words", "NA", "x", "NA", "NA"],
        ["1", "whole", "NA", "went", "0.25", "2.0"],
        ["1", "left_to_right", "1", "play", "0.25", "2.0"],
        ["NA"] * 6,
    ]
    about = json.loads(out.with_name("o.csv.json").read_text())
    assert (about["command"], about["unit"], about["method"]) == ("fill", "mask", "mlm")


def test_texts_with_their_own_masks_and_json_lines(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text('{"s": "a [MASK]", "n": [1]}\n{"s": "none"}\n{"n": 2}\n')
    result = tsuzuki("fill", "--file", str(file), "--column", "s", "--json", "--model", "m")
    assert result.err.splitlines()[:2] == [
        f"{file}: line 2: There is nothing to fill in the text",
        f"{file}: line 3: it has no text in s",
    ]
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert len(rows) == 8 and rows[0]["n"] == [1] and rows[6]["word"] is None


def test_what_is_wrong_in_the_command_line_ends_it(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("s\na [MASK]\n")
    command = ("fill", "--file", str(file), "--column", "s", "--model", "m", "--top", "0")
    assert tsuzuki(*command).code == 2
    assert tsuzuki("fill", "a [MASK]", "--column", "s", "--model", "m").code == 2

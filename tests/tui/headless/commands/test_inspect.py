"""`tsuzuki inspect` with an engine whose answers are set."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.messages import (
    AttentionRows,
    Attribution,
    Change,
    Choice,
    Done,
    LensCell,
    LensLayer,
    Opened,
    Piece,
    ShowAttention,
    ShowAttribution,
    ShowLens,
    ShowTensors,
    Tensor,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

PIECES = [Piece(5, "a", "a", start=0, end=1), Piece(6, " b", "Gb", start=1, end=3)]
OPENED = Opened(
    model="m", revision="", tokens=PIECES, layers=1, heads=2, position=1, asks="next", causal=True
)
ROWS = AttentionRows(
    layer=0, head=1, first_row=0, first_column=0, weights=[[1.0, 0.0], [0.25, 0.75]]
)
LENS = [LensLayer(layer=n, first=0, cells=[LensCell(5, "a", 0.5)] * 2) for n in (-1, 0)]
FOUND = Attribution(
    method="direct",
    position=1,
    a=Choice(5, "a", 2.0, 0.5),
    b=Choice(6, " b", 1.0, 0.25),
    difference=1.0,
    embedding=0.25,
    constant=0.25,
    layers=[0.5],
    heads=[[0.25, -0.5]],
    mlp=[0.75],
    bias=[0.0],
)
TOKENS = [{"id": 5, "text": "a"}, {"id": 6, "text": " b"}]


@pytest.fixture(autouse=True)
def scripts(engine: ScriptedEngine) -> None:
    tensor = Tensor(name="logits", stage="output", shape=[1, 2, 9])
    engine.scripts[ShowTensors] = [OPENED, tensor, Done()]
    engine.scripts[ShowAttention] = [OPENED, ROWS, Done()]
    engine.scripts[ShowLens] = [OPENED, *LENS, Done()]
    engine.scripts[ShowAttribution] = [OPENED, FOUND, Done()]


def test_each_question_has_its_document(tsuzuki: Tsuzuki) -> None:
    def document(*arguments: str) -> dict[str, object]:
        return tsuzuki("inspect", "a b", "--model", "m", "--json", "--what", *arguments).json

    assert document("tensors") == {
        "model": "m",
        "tokens": TOKENS,
        "tensors": [{"name": "logits", "shape": [1, 2, 9]}],
    }
    attention = document("attention", "--layer", "0", "--head", "1")
    assert attention["attention"] == ROWS.weights
    cell = {"id": 5, "text": "a", "prob": 0.5}
    assert document("lens")["lens"] == [[cell, cell]]
    attribution = document("attribution")["attribution"]
    assert isinstance(attribution, dict)
    assert attribution["layers"] == [0.5]
    assert attribution["heads"] == [[0.25, -0.5]]
    assert attribution["words"] == TOKENS


def test_arguments_become_the_request(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    tsuzuki("inspect", "a", "b", "--what", "attention", "--layer", "3", "--ablate", "1.12")
    tsuzuki("inspect", "a [MASK]", "--what", "attribution", "--words", "x, y", "--position", "2")
    assert engine.asked == [
        ShowAttention(
            model="starter-en",
            text="a",
            second="b",
            layer=3,
            head=0,
            change=Change(heads=[(1, 12)]),
        ),
        ShowAttribution(model="starter-en", text="a [MASK]", a="x", b="y", position=2),
    ]


def test_an_altered_answer_is_marked(tsuzuki: Tsuzuki) -> None:
    command = ("inspect", "a b", "--what", "lens", "--ablate", "0.1")
    assert tsuzuki(*command).out.startswith("Altered: without 0.1\n")
    assert tsuzuki(*command, "--json").json["altered"] == ["0.1"]


def test_a_picture_goes_to_a_file_beside_the_answer(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    for what in ("attention", "lens", "attribution"):
        file = tmp_path / f"{what}.svg"
        assert tsuzuki("inspect", "a b", "--what", what, "--svg", str(file)).out
        assert file.read_text(encoding="utf-8").startswith("<svg ")
    ended = tsuzuki("inspect", "a b", "--what", "lens", "--svg", str(tmp_path / "no" / "x.svg"))
    assert ended.code == 1
    assert "Traceback" not in ended.err


def test_a_model_without_words_has_no_lens(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[ShowLens] = [OPENED, Done()]
    ended = tsuzuki("inspect", "a", "b", "--what", "lens")
    assert ended.code == 1
    assert "no head for words" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("a", "--file", "x"),
        ("--text", "a", "--text", "b", "--text", "c"),
        ("-", "-"),
        ("a", "--ablate", "1"),
        ("a", "--ablate", "x.1"),
        ("a", "--what", "attention", "--layer", "-1"),
        ("a", "--what", "attribution", "--words", "one"),
        ("a", "--what", "else"),
        ("a", "--svg", "x.svg"),
    ],
)
def test_wrong_use_is_one_line_and_code_2(tsuzuki: Tsuzuki, arguments: tuple[str, ...]) -> None:
    ended = tsuzuki("inspect", *arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert "Traceback" not in ended.err

from __future__ import annotations

import io
import signal
import sys
from pathlib import Path

import pytest
from msgspec import structs

from engine.messages import (
    Arranged,
    Cell,
    Document,
    DocumentResult,
    Done,
    Error,
    Gap,
    MatrixCells,
    Progress,
    Sentence,
    Witness,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

RESULT = DocumentResult(
    model="starter-en",
    witness="nsp_margin",
    sentences=[Sentence("One.", 0, 4), Sentence("Two.", 5, 9), Sentence("Three\nx.", 11, 19, True)],
    gaps=[
        Gap(
            forward=Witness(nsp_margin=2.0, nsp_probability=0.875),
            backward=Witness(nsp_margin=-1.0, nsp_probability=0.25),
            score=2.0,
            depth=0.0,
        ),
        Gap(forward=Witness(error="Too long."), backward=Witness(), score=None, depth=None),
    ],
    coherence=2.0,
    threshold=0.5,
    boundaries=[0],
    reference=[1],
    pk=0.25,
    window_diff=0.5,
    window=1,
)
CELLS = MatrixCells([Cell(0, 1, 2.0), Cell(1, 0, -1.0)], 6)
ARRANGED = Arranged(percentile=62.5, shuffles=20, order=[1, 0, 2], order_coherence=2.5, exact=True)


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text("One. Two.\n\nThree\nx.\n", encoding="utf-8")
    return str(path)


def test_the_curve_is_printed(engine: ScriptedEngine, tsuzuki: Tsuzuki, file: str) -> None:
    engine.scripts[Document] = [Progress(done=2, total=2), RESULT, Done()]

    result = tsuzuki("document", file)

    assert result.out.splitlines() == [
        "1  One.",
        "     +2.0000  ########################  <- boundary",
        "2  Two.",
        "           -  Too long.",
        "3  Three x.",
        "",
        "mean +2.0000 nats (next-sentence margin), from +2.0000 to +2.0000; "
        "boundary above a depth of 0.5000",
        "Pk 0.2500, WindowDiff 0.5000 against 1 marked boundaries, in windows of 1 sentences",
    ]
    assert engine.asked == [Document(model="starter-en", text="One. Two.\n\nThree\nx.")]


def test_the_document_is_the_promised_one(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: str
) -> None:
    engine.scripts[Document] = [RESULT, Done()]

    document = tsuzuki("document", file, "--json").json

    assert document == {
        "model": "starter-en",
        "witness": "nsp_margin",
        "sentences": [
            {"text": "One.", "start": 0, "end": 4},
            {"text": "Two.", "start": 5, "end": 9},
            {"text": "Three\nx.", "start": 11, "end": 19},
        ],
        "gaps": [
            {
                "nsp_margin": 2.0,
                "nsp_probability": 0.875,
                "reversed": {"nsp_margin": -1.0, "nsp_probability": 0.25},
                "score": 2.0,
                "depth": 0.0,
            },
            {"error": "Too long.", "reversed": {}, "score": None, "depth": None},
        ],
        "boundaries": [0],
        "reference": [1],
        "coherence": 2.0,
        "threshold": 0.5,
        "precision": "exact",
        "pk": 0.25,
        "window_diff": 0.5,
        "window": 1,
    }


def test_what_is_asked_for_is_added(engine: ScriptedEngine, tsuzuki: Tsuzuki, file: str) -> None:
    engine.scripts[Document] = [RESULT, CELLS, ARRANGED, Done()]
    asked = ("--matrix", "--order", "--shuffles", "20", "--reference", "1, 2")

    document = tsuzuki("document", file, *asked, "--witness", "nsp_probability", "--json").json
    plain = tsuzuki("document", file, *asked).out.splitlines()

    assert document["matrix"] == [[None, 2.0, None], [-1.0, None, None], [None, None, None]]
    assert (document["percentile"], document["shuffles"]) == (62.5, 20)
    assert document["order"] == [1, 0, 2]
    assert (document["order_coherence"], document["order_exact"]) == (2.5, True)
    assert engine.asked[0] == Document(
        model="starter-en",
        text="One. Two.\n\nThree\nx.",
        witness="nsp_probability",
        reference=[0, 1],
        matrix=True,
        shuffles=20,
        order=True,
    )
    assert plain[9].split() == ["1", "2", "3"]
    assert plain[10].split() == ["1", "-", "+2.00", "-"]
    assert "The mean is above that of 62.5 % of 20 shuffles." in plain
    assert "Best order of all (mean +2.5000): 2 1 3" in plain


def test_standard_input_can_be_the_text(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.scripts[Document] = [RESULT, Done()]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("猫。犬。\n".encode())))

    tsuzuki("document", "-")

    assert engine.asked == [Document(model="starter-en", text="猫。犬。")]


def test_what_came_before_an_interruption_is_printed(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: str
) -> None:
    engine.scripts[Document] = [RESULT, CELLS, signal.SIGTERM]

    result = tsuzuki("document", file, "--matrix", "--json")

    assert result.code == 130
    assert result.json["matrix"] == [[None, 2.0, None], [-1.0, None, None], [None, None, None]]


def test_a_form_of_the_weights_is_told(engine: ScriptedEngine, tsuzuki: Tsuzuki, file: str) -> None:
    engine.scripts[Document] = [structs.replace(RESULT, precision="bf16"), Done()]
    document = tsuzuki("document", file, "--precision", "bf16", "--json").json
    assert document["precision"] == "bf16"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("nowhere.txt",), "nowhere.txt cannot be read"),
        (("a\0b",), "cannot be read"),
        (("-", "--reference", "x"), "--reference x: must be"),
        (("-", "--shuffles", "-1"), "--shuffles -1: must be"),
    ],
)
def test_wrong_use_is_told(
    arguments: tuple[str, ...],
    told: str,
    engine: ScriptedEngine,
    tsuzuki: Tsuzuki,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"A. B.")))
    result = tsuzuki("document", *arguments)
    assert (result.code, result.out, engine.asked) == (2, "", [])
    assert told in result.err


def test_a_refusal_is_two_lines(engine: ScriptedEngine, tsuzuki: Tsuzuki, file: str) -> None:
    engine.scripts[Document] = [Error(kind="bad_request", message="1 sentence.", hint="More.")]
    result = tsuzuki("document", file)
    assert (result.code, result.out, result.err) == (2, "", "1 sentence.\nMore.\n")

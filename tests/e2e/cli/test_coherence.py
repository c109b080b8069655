"""`tsuzuki document`, with the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.cli.conftest import Tsuzuki
from tests.e2e.cli.test_documents import document

TEXT = "We played with the ball. It was late.\nHe went home.\n\nBread is made with flour and water."


def test_a_text_from_a_file_equals_the_scores_of_its_pairs(
    tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT, encoding="utf-8")
    told = document(tsuzuki, "document", str(file), "--matrix", "--shuffles", "20")
    sentences = [sentence["text"] for sentence in told["sentences"]]
    assert sentences[1] == "It was late."
    assert all(each["text"] == TEXT[each["start"] : each["end"]] for each in told["sentences"])
    pair = document(tsuzuki, "score", *sentences[1:3])
    gap = told["gaps"][1]
    assert gap["nsp_margin"] == pytest.approx(pair["margin"], abs=1e-4)
    assert gap["reversed"]["nsp_margin"] == pytest.approx(pair["reversed"]["margin"], abs=1e-4)
    assert told["matrix"][2][1] == gap["reversed"]["nsp_margin"]
    assert told["reference"] == [2]
    assert 0 <= told["pk"] <= told["window_diff"] <= 1
    assert 0 <= told["percentile"] <= 100


def test_japanese_from_standard_input_by_a_causal_model(tsuzuki: Tsuzuki) -> None:
    text = "東京は雨です。傘を買いました。猫が鳴きます。"
    ended = tsuzuki("document", "-", "--model", "starter-ja", "--order", stdin=text.encode())
    assert ended.returncode == 0
    lines = ended.stdout.decode().splitlines()
    assert lines[0] == "1  東京は雨です。"
    assert lines[-1].startswith("Best order of all")


def test_one_sentence_is_refused(tsuzuki: Tsuzuki) -> None:
    ended = tsuzuki("document", "-", stdin=b"Only one.")
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert ended.stderr.decode().splitlines() == [
        "The text has 1 sentence; at least two are needed.",
        "Give a longer text.",
    ]

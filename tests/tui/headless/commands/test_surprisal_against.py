"""Two models or two texts, with an engine whose models cut words differently."""

from __future__ import annotations

import json
import math
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from engine.messages import Done, Error, Event, Request, ScoredBy, ScoreTexts, TextScore, TextToken
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

PATTERNS = {"words": r"\s*\w+|\S", "pairs": r"\s*\w+ \w+|\s*\w+|\S"}


@pytest.fixture(autouse=True)
def models(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token of n letters has n bits; the model ``pairs`` reads words two by two."""
    plain = engine.request

    async def request(body: Request) -> AsyncGenerator[Event, None]:
        if not isinstance(body, ScoreTexts):
            async for event in plain(body):
                yield event
            return
        engine.asked.append(body)
        yield ScoredBy(model=body.model, revision="1", method="causal", start="<s>")
        for index, text in enumerate(body.texts):
            found = re.finditer(PATTERNS[body.model], text)
            tokens = [
                TextToken(1, each[0], *each.span(), -math.log(2) * len(each[0].replace(" ", "")))
                for each in found
            ]
            if "bad" in text:
                yield TextScore(index=index, error=Error(kind="too_long", message="Too long."))
            else:
                yield TextScore(index=index, tokens=tokens)
        yield Done()

    monkeypatch.setattr(engine, "request", request)


def test_two_models_side_by_side(tsuzuki: Tsuzuki) -> None:
    command = ("surprisal", "a cat sat up.", "--model", "words", "--against", "pairs")
    result = tsuzuki(*command, "--largest", "0")
    assert result.out.splitlines() == [
        "A  words  10.00 bits, read after <s>",
        "B  pairs  10.00 bits, read after <s>",
        "",
        "   A bits    B bits     B − A  word",
        "     4.00      4.00     +0.00  a cat",
        "     5.00      5.00     +0.00  sat up",
        "     1.00      1.00     +0.00  .",
    ]
    document = tsuzuki(*command, "--json").json
    assert document["greatest"] == [0, 1, 2]


def test_two_versions_and_what_differs_most(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    command = ("surprisal", "a cat sat.", "--model", "words", "--against-text", "a parrot sat.")
    lines = tsuzuki(*command, "--largest", "1").out.splitlines()
    assert lines[0] == "A  a cat sat.  8.00 bits, read after <s>"
    assert lines[5] == "     3.00      6.00     +3.00  cat → parrot"
    assert lines[-2:] == ["Largest differences:", lines[5]]
    asked = [(body.model, body.texts) for body in engine.asked if isinstance(body, ScoreTexts)]
    assert asked == [("words", ["a cat sat."]), ("words", ["a parrot sat."])]


@pytest.mark.parametrize(
    ("arguments", "code", "why"),
    [
        (("--against", "pairs", "--against-text", "b"), 2, "compare one text"),
        (("--largest", "3"), 2, "--largest goes with"),
        (("--against", "pairs", "--largest", "-1"), 2, "0 or more"),
        (("--against", "pairs", "--bars"), 2, "--bars draws"),
        (("--against", "pairs", "--unit", "word"), 2, "given by --file"),
        (("--against-text", "b", "--unit", "word"), 2, "compare one text"),
        (("--against-text", "bad"), 1, "Too long."),
    ],
)
def test_what_cannot_be_compared(
    tsuzuki: Tsuzuki, arguments: tuple[str, ...], code: int, why: str
) -> None:
    result = tsuzuki("surprisal", "a", "--model", "words", *arguments)
    assert result.code == code and why in result.err


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (
            "word",
            [
                "n,sentence,position,word,surprisal_bits,against_bits,difference_bits",
                "1,a cat sat,1,a cat,4.0,4.0,0.0",
                "1,a cat sat,2,sat,3.0,3.0,0.0",
                "2,bad,NA,NA,NA,NA,NA",
            ],
        ),
        (
            "sentence",
            [
                "n,sentence,surprisal_bits,tokens,bits_per_token,words,bits_per_word,"
                "against_bits,difference_bits",
                "1,a cat sat,7.0,3,2.3333333333333335,3,2.3333333333333335,7.0,0.0",
                "2,bad,NA,NA,NA,NA,NA,NA,NA",
            ],
        ),
    ],
)
def test_a_table_under_two_models(
    tsuzuki: Tsuzuki, tmp_path: Path, unit: str, expected: list[str]
) -> None:
    file, out = tmp_path / "a.csv", tmp_path / "o.csv"
    file.write_text("n,sentence\n1,a cat sat\n2,bad\n")
    command = ("surprisal", "--file", str(file), "--model", "words", "--against", "pairs")
    result = tsuzuki(*command, "--unit", unit, "--csv", str(out))
    assert result.err.splitlines()[0] == f"{file}: line 3: Too long."
    assert out.read_text().splitlines() == expected
    about = json.loads(out.with_name("o.csv.json").read_text())
    assert (about["model"], about["against"], about["against_revision"]) == ("words", "pairs", "1")
    for option in ("--measures", "--unit=token"):
        result = tsuzuki(*command, option, "--csv", str(out))
        assert result.code == 2 and "without --measures" in result.err

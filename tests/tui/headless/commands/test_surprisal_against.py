"""Two models or two texts, with an engine whose models cut words differently."""

from __future__ import annotations

import math
import re
from collections.abc import AsyncGenerator

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
        (text,) = body.texts
        found = re.finditer(PATTERNS[body.model], text)
        tokens = [
            TextToken(1, each[0], *each.span(), -math.log(2) * len(each[0].replace(" ", "")))
            for each in found
        ]
        if "bad" in text:
            yield TextScore(index=0, error=Error(kind="too_long", message="Too long."))
        else:
            yield TextScore(index=0, tokens=tokens)
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
        (("--against", "pairs", "--unit", "word"), 2, "compare one text"),
        (("--against-text", "bad"), 1, "Too long."),
    ],
)
def test_what_cannot_be_compared(
    tsuzuki: Tsuzuki, arguments: tuple[str, ...], code: int, why: str
) -> None:
    result = tsuzuki("surprisal", "a", "--model", "words", *arguments)
    assert result.code == code and why in result.err

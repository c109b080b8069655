"""A card's table is that of the command on the same text."""

from __future__ import annotations

import csv
import io
import json
import math
from pathlib import Path

import pytest

from engine.messages import (
    Continue,
    Piece,
    PllToken,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    ScoredBy,
    ScoreTexts,
    TextScore,
    TextToken,
    Token,
    TrackedWord,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki, engine, tsuzuki
from tui.cards import Branch, ContinueCard, PllCard
from tui.cards.refs import MethodToken
from tui.cards.tracked import Tracked
from tui.export import card_tables
from tui.export.card_tables import CardUnit

__all__ = ["engine", "tsuzuki"]  # fixtures

PARTS = ["The", " nurse", " said", "."]


def bits(number: int) -> float:
    return -math.log(2) * (number + 1)


def read_card(*, start: bool = True) -> ContinueCard:
    first = Piece(0, "<s>", "<s>", special=True) if start else Piece(5, "The", "The")
    parts = PARTS if start else PARTS[1:]
    tokens = [
        Token(
            branch=0, id=n, text=part, logprob=bits(n), sampled_logprob=0, rank=n + 1, entropy=1.0
        )
        for n, part in enumerate(parts)
    ]
    return ContinueCard(
        request=Continue(model="m", prompt="", begin="".join(PARTS), max_tokens=0),
        prompt="" if start else "The",
        prompt_tokens=[first],
        branches=[Branch(tokens=tokens)],
        status="done",
    )


def saved(tmp_path: Path, card: ContinueCard | PllCard, unit: CardUnit) -> list[dict[str, str]]:
    path = card_tables.save(tmp_path / "new", card, MethodToken(0, 0), unit, "csv")
    return list(csv.DictReader(io.StringIO(path.read_text())))


@pytest.mark.parametrize("unit", ["token", "word", "sentence"])
def test_a_text_that_was_read(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, unit: CardUnit
) -> None:
    written = "".join(PARTS)
    places = [0, 3, 9, 14, 15]
    tokens = [
        TextToken(n, part, places[n], places[n + 1], bits(n), n + 1, 1.0)
        for n, part in enumerate(PARTS)
    ]
    by = ScoredBy(model="m", revision="", method="causal", start="<s>")
    engine.scripts[ScoreTexts] = [by, TextScore(index=0, tokens=tokens)]
    file, out = tmp_path / "in.csv", tmp_path / "out.csv"
    file.write_text(f"sentence\n{written}\n")
    command = ("surprisal", "--file", str(file), "--unit", unit, "--csv", str(out), "--model", "m")
    assert tsuzuki(*command).code == 0
    path = card_tables.save(tmp_path / "new", read_card(), None, unit, "csv")
    assert path.read_text() == out.read_text()
    own, other = (
        json.loads(p.with_name(p.name + ".json").read_text()) | {"file": ""} for p in (path, out)
    )
    assert own == other


def test_a_first_token_that_nothing_precedes_has_no_figures(tmp_path: Path) -> None:
    rows = saved(tmp_path, read_card(start=False), "token")
    assert [(row["token"], row["surprisal_bits"]) for row in rows] == [
        ("The", "NA"),
        (" nurse", "1.0"),
        (" said", "2.0"),
        (".", "3.0"),
    ]


@pytest.mark.parametrize("start", [True, False])
def test_words_that_are_tracked(tmp_path: Path, start: bool) -> None:
    card = read_card(start=start)
    count = len(card.branches[0].tokens) + 1
    word = TrackedWord(
        word="he", ids=[9], logprobs=[bits(n) for n in range(count)], ranks=[*range(1, count + 1)]
    )
    assert card_tables.units(card) == ("token", "word", "sentence")
    card.tracked = Tracked(0, [word])
    assert card_tables.units(card)[-1] == "place"
    rows = saved(tmp_path, card, "place")
    parts = PARTS if start else PARTS[1:]
    assert [row["token"] for row in rows] == [*parts, "NA"]
    assert [row["surprisal_bits"] for row in rows][:2] == ["1.0", "2.0"]


def test_a_judged_text_by_the_method_under_the_cursor(tmp_path: Path) -> None:
    tokens = [PllToken(id=7, text="he", start=0, end=2, logprob=bits(2), rank=3, entropy=1.0)]
    result = PseudoLikelihoodResult(
        model="m", method="original", text="he", tokens=tokens, total=bits(2)
    )
    card = PllCard(request=PseudoLikelihood(model="m", text="he"), results=[result], status="done")
    (row,) = saved(tmp_path, card, "word")
    assert (row["sentence"], row["word"], row["surprisal_bits"]) == ("he", "he", "3.0")
    about = json.loads(next((tmp_path / "new").glob("*.json")).read_text())
    assert (about["command"], about["method"]) == ("pll", "original")

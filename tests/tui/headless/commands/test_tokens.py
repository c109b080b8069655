from __future__ import annotations

from engine.messages import Piece, Tokenize, Tokens
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

TOKENS = Tokens(
    model="starter-ja",
    tokens=[Piece(1, "", "<s>", special=True), Piece(12, "春", "▁春", start=0, end=1)],
    unknown=0.0,
    foreign=0.5,
)


def test_a_token_a_line_with_its_place(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Tokenize] = [TOKENS]

    result = tsuzuki("tokens", "春")

    assert [line.split() for line in result.out.splitlines()] == [
        ["1", "<s>"],
        ["12", "0-1", "▁春"],
    ]
    assert engine.asked == [Tokenize(model="starter-ja", text="春")]


def test_the_document_has_the_promised_fields(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Tokenize] = [TOKENS]

    document = tsuzuki("tokens", "春", "--json").json

    assert list(document)[:2] == ["model", "tokens"]
    assert isinstance(tokens := document["tokens"], list)
    assert [list(token)[:6] for token in tokens] == [
        ["id", "text", "piece", "special", "start", "end"]
    ] * 2
    assert tokens[1]["piece"] == "▁春"
    assert tokens[0]["start"] is None


def test_an_empty_text_has_no_tokens(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Tokenize] = [Tokens(model="starter-ja", tokens=[], unknown=0.0, foreign=0.0)]

    assert tsuzuki("tokens", "").out == ""

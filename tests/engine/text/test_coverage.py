"""How foreign or unknown a text is to a model, and how inspection reports it."""

from __future__ import annotations

import pytest

from engine import tokenization
from engine.messages import Piece, Tokenize
from engine.tasks import inspection
from engine.text.coverage import foreign_share, unknown_share
from tests.support.bundles import STARTER


@pytest.mark.parametrize(
    ("text", "languages", "share"),
    [
        ("羽田空港に到着、東京の街は", ["ja"], 0.0),
        ("羽田空港に到着、東京の街は", ["en"], 1.0),
        ("ラーメンとｶﾞｽ 々ー", ["ja"], 0.0),
        ("I played baseball", ["ja"], 1.0),
        ("I played baseball", ["en", "ja"], 0.0),
        ("東京 is", ["en"], 0.5),
        ("Ａｂ", ["en"], 0.0),
        ("Москва", ["ru"], 0.0),
        ("안녕", ["ko"], 0.0),
        ("12 😀 ...", ["en"], 0.0),
        ("", ["en"], 0.0),
        ("東京", [], 0.0),
        ("東京", ["tlh"], 0.0),
        ("東京", ["zh-Hant"], 0.0),
    ],
)
def test_letters_of_other_scripts_are_foreign(
    text: str, languages: list[str], share: float
) -> None:
    assert foreign_share(text, languages) == share


def test_characters_in_unknown_pieces_are_counted() -> None:
    pieces = [
        Piece(0, "<unk>", "<unk>", start=0, end=2),
        Piece(5, " b", "▁b", start=2, end=4),
        Piece(0, "<unk>", "<unk>"),
    ]
    assert unknown_share("𠮷😀 b", pieces, 0) == pytest.approx(2 / 3)
    assert unknown_share("𠮷😀 b", pieces, None) == 0.0
    assert unknown_share(" \n", [], 0) == 0.0


@pytest.mark.parametrize(
    ("model", "language", "text", "known"),
    [
        ("starter-ja", "ja", "羽田空港に到着、東京の街は", True),
        ("starter-ja", "ja", "Привет", False),
        ("starter-en", "en", "What is baseball ?", True),
        ("starter-en", "en", "羽田空港に到着", False),
    ],
)
def test_inspection_reports_what_a_model_cannot_read(
    model: str, language: str, text: str, known: bool
) -> None:
    tokenizer = tokenization.load(STARTER / model)
    tokens = inspection.run(tokenizer, [language], Tokenize(model=model, text=text))
    assert tokens.model == model
    assert tokens.tokens == tokenizer.fed(text)
    assert tokens.foreign == (0.0 if known else 1.0)
    assert (tokens.unknown < 0.1) == known


def test_inspection_shows_the_tokens_as_fed() -> None:
    english = tokenization.load(STARTER / "starter-en")
    tokens = inspection.run(english, ["en"], Tokenize(model="m", text="a [MASK]")).tokens
    assert [t.piece for t in tokens] == ["[CLS]", "a", "[MASK]", "[SEP]"]
    japanese = tokenization.load(STARTER / "starter-ja")
    tokens = inspection.run(japanese, ["ja"], Tokenize(model="m", text="東京")).tokens
    assert "".join(t.piece for t in tokens) == "▁東京"

from __future__ import annotations

from itertools import pairwise

import pytest
from rich._wrap import divide_line

from tui.render import line_breaks


def lines(text: str, width: int) -> list[str]:
    cuts = [0, *divide_line(text, width), len(text)]
    return [text[a:b].rstrip() for a, b in pairwise(cuts)]


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rich._wrap.words", line_breaks.units)


@pytest.mark.parametrize(
    ("text", "width", "broken"),
    [
        ("one two three", 8, ["one two", "three"]),
        ("モデルをディスクから削除しますか。", 12, ["モデルをディ", "スクから削除", "しますか。"]),
        ("starter-en（9.7 MB）を削除", 14, ["starter-en", "（9.7 MB）を削", "除"]),
        ("これは。", 6, ["これ", "は。"]),
        ("、。", 2, ["、", "。"]),
        ("キー", 2, ["キ", "ー"]),
        ("あ「い」", 4, ["あ", "「い", "」"]),
    ],
)
def test_lines_break_at_spaces_and_between_japanese_letters(
    text: str, width: int, broken: list[str]
) -> None:
    assert lines(text, width) == broken


def test_every_character_is_in_a_unit() -> None:
    text = "  a（b） 「「。。x y　全角ー…）"
    assert "".join(part for _, _, part in line_breaks.units(text)) == text

"""`surprisal` and `pll` of the texts of a table, with an engine that counts letters."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from msgspec import structs

from engine.messages import (
    Done,
    Error,
    Event,
    Request,
    ScoredBy,
    ScoreTexts,
    TextEnd,
    TextScore,
    TextToken,
)
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

BY = ScoredBy(model="m", revision="7", method="causal", start=None)


def token(text: str, start: int, bits: float | None) -> TextToken:
    if bits is None:
        return TextToken(1, text, start, start + len(text))
    return TextToken(1, text, start, start + len(text), -bits * math.log(2), 4, 2 * math.log(2))


TOKENS = [token("It", 0, None), token(" was", 2, 2.0), token("n", 6, 1.0), token(".", 7, 4.0)]


@pytest.fixture
def file(engine: ScriptedEngine, tmp_path: Path) -> Path:
    """A table whose rows are scored in another order than theirs, the last in vain."""
    error = Error(kind="too_long", message="It is too long.")
    scores = [TextScore(index=1, error=error), TextScore(index=0, tokens=TOKENS)]
    engine.scripts[ScoreTexts] = [BY, *scores, Done()]
    path = tmp_path / "items.csv"
    path.write_text('item,sentence,position\n1,It wasn.,a\n2\n3,"b, ""c""",NA\n', encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        (
            "token",
            [
                "item,sentence,position,tsuzuki_position,token,surprisal_bits,rank,entropy_bits",
                "1,It wasn.,a,1,It,NA,NA,NA",
                "1,It wasn.,a,2, was,2.0,4,2.0",
                "1,It wasn.,a,3,n,1.0,4,2.0",
                "1,It wasn.,a,4,.,4.0,4,2.0",
                '3,"b, ""c""",NA,NA,NA,NA,NA,NA',
            ],
        ),
        (
            "word",
            [
                "item,sentence,position,tsuzuki_position,word,surprisal_bits,tokens,punctuation",
                "1,It wasn.,a,1,It,NA,1,FALSE",
                "1,It wasn.,a,2,wasn,3.0,2,FALSE",
                "1,It wasn.,a,3,.,4.0,1,TRUE",
                '3,"b, ""c""",NA,NA,NA,NA,NA,NA',
            ],
        ),
        (
            "sentence",
            [
                "item,sentence,position,surprisal_bits,tokens,bits_per_token,words,bits_per_word",
                "1,It wasn.,a,7.0,3,2.3333333333333335,1,3.0",
                '3,"b, ""c""",NA,NA,NA,NA,NA,NA',
            ],
        ),
    ],
)
def test_rows_stay_in_order_with_their_columns(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path, unit: str, expected: list[str]
) -> None:
    out = file.with_name("out.csv")
    result = tsuzuki(
        "surprisal", "--file", str(file), "--unit", unit, "--csv", str(out), "--model", "m"
    )
    assert (result.code, result.out) == (1, "")
    assert result.err.splitlines() == [
        f"{file}: line 3: 1 cells, where the first line names 3 columns",
        f"{file}: line 4: It is too long.",
        "2 of 3 rows could not be scored",
    ]
    assert out.read_text(encoding="utf-8").splitlines() == expected
    about = json.loads(out.with_name("out.csv.json").read_text())
    assert (about["model"], about["revision"], about["start"]) == ("m", "7", None)
    assert (about["command"], about["unit"], about["missing"]) == ("surprisal", unit, "NA")
    assert about["word_method"] == ([] if unit == "token" else ["whitespace"])
    (asked,) = engine.asked
    assert asked == ScoreTexts(model="m", texts=["It wasn.", 'b, "c"'], method="causal")


def test_without_a_file_to_write_rows_go_to_standard_output(tsuzuki: Tsuzuki, file: Path) -> None:
    command = ("surprisal", "--file", str(file), "--column", "sentence", "--model", "m")
    found = list(csv.DictReader(tsuzuki(*command).out.splitlines(), delimiter="\t"))
    assert [row["word"] for row in found] == ["It", "wasn", ".", "NA"]
    rows = [json.loads(line) for line in tsuzuki(*command, "--json").out.splitlines()]
    assert rows[1]["surprisal_bits"] == 3.0 and rows[3]["surprisal_bits"] is None


def test_pll_asks_for_its_method(engine: ScriptedEngine, tsuzuki: Tsuzuki, file: Path) -> None:
    command = ("pll", "--file", str(file), "--unit", "sentence", "--model", "m")
    tsuzuki(*command, "--method", "within_word_l2r")
    assert [body.method for body in engine.asked if isinstance(body, ScoreTexts)] == [
        "within_word_l2r"
    ]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--file", "FILE", "--column", "text"), "There is no column text in"),
        (("hello", "--unit", "word"), "are for a table"),
        (("--file", "FILE", "--unit", "token", "--word-boundary"), "and --unit token has none"),
        (("--file", "FILE", "--unit", "region"), "has regions"),
        (("--file", "FILE", "--column", "b", "--regions", "b"), "give one of them"),
        (("--file", "FILE", "--regions", "b,c"), "There is no column c in"),
        (("--file", "FILE", "--csv", "a", "--tsv", "b"), "it does not go with --csv"),
    ],
)
def test_what_cannot_be_asked_is_refused(
    tsuzuki: Tsuzuki, tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text("sentence,b\n1,2\n")
    given = (str(file) if each == "FILE" else each for each in arguments)
    result = tsuzuki("surprisal", *given, "--model", "m")
    assert result.code == 2 and why in result.err


class Letters:
    """An engine that finds a word of n letters n bits surprising, and its end 1 bit."""

    def __init__(self, engine: ScriptedEngine) -> None:
        self.asked: list[ScoreTexts] = []
        self._plain = engine.request

    async def request(self, body: Request) -> AsyncGenerator[Event, None]:
        if not isinstance(body, ScoreTexts):
            async for event in self._plain(body):
                yield event
            return
        self.asked.append(body)
        yield BY
        for index, written in enumerate(body.texts):
            found = [(each[0], each.start()) for each in re.finditer(r"\s*\w+|\S", written)]
            tokens = [token(word, start, len(word.strip())) for word, start in found]
            after = None
            if body.boundaries:
                tokens = [structs.replace(each, boundary=-math.log(2)) for each in tokens]
                after = TextEnd(math.log(2), -math.log(2) * 3)
            yield TextScore(index=index, tokens=tokens, after=after)
        yield Done()


@pytest.fixture
def letters(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> Letters:
    letters = Letters(engine)
    monkeypatch.setattr(engine, "request", letters.request)
    return letters


def table(tsuzuki: Tsuzuki, path: Path, content: str, *options: str) -> list[dict[str, str]]:
    path.write_text(content, encoding="utf-8")
    result = tsuzuki("surprisal", "--file", str(path), *options, "--model", "m")
    assert result.err == ""
    return list(csv.DictReader(result.out.splitlines(), delimiter="\t"))


@pytest.mark.parametrize(
    ("name", "content", "options", "written"),
    [
        ("a.csv", "sentence,x\nThe keys | to || are |.,1\n", ("--unit", "region"), "NA"),
        (
            "a.jsonl",
            '{"sentence": ["The keys", "to", "", "are", "."], "x": 1}\n',
            ("--unit", "region"),
            "NA",
        ),
        ("a.csv", "a,b,c,d,e,x\nThe keys,to,,are,.,1\n", ("--regions", "a,b,c,d,e"), "abcde"),
    ],
)
def test_a_row_for_each_region(
    letters: Letters,
    tsuzuki: Tsuzuki,
    tmp_path: Path,
    name: str,
    content: str,
    options: tuple[str, ...],
    written: str,
) -> None:
    rows = table(tsuzuki, tmp_path / name, content, *options)
    assert letters.asked[0].texts == ["The keys to are."]
    figures = ["region", "content", "surprisal_bits", "tokens"]
    assert [[row[key] for key in figures] for row in rows] == [
        ["1", "The keys", "7.0", "2"],
        ["2", "to", "2.0", "1"],
        ["3", "", "NA", "0"],
        ["4", "are", "3.0", "1"],
        ["5", ".", "1.0", "1"],
    ]
    assert [row["name"] for row in rows] == (list(written) if written != "NA" else ["NA"] * 5)
    assert {row["x"] for row in rows} == {"1"}


def test_words_of_a_table_can_have_their_ends(
    letters: Letters, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    out = tmp_path / "o.csv"
    path, content = tmp_path / "a.csv", "sentence\nThe key is\n"
    rows = table(tsuzuki, path, content, "--unit", "word", "--word-boundary")
    # from the beginning of each word to the end of the one before: 1 bit, and 3 at the end
    assert [row["surprisal_bits"] for row in rows] == ["4.0", "3.0", "4.0"]
    assert letters.asked[0].after and letters.asked[0].boundaries
    table(tsuzuki, path, content, "--word-boundary", "--csv", str(out))
    about = json.loads(out.with_name("o.csv.json").read_text())
    assert about["word_boundary"] == "trailing"
    table(tsuzuki, path, content, "--unit", "sentence", "--csv", str(out))
    assert json.loads(out.with_name("o.csv.json").read_text())["word_boundary"] == "leading"
    table(tsuzuki, path, content, "--unit", "token", "--csv", str(out))
    assert json.loads(out.with_name("o.csv.json").read_text())["word_boundary"] is None
    path.write_text("sentence\nThe key is\n東京の夜\n", encoding="utf-8")
    result = tsuzuki(
        "surprisal", "--file", str(path), "--unit", "word", "--word-boundary", "--model", "m"
    )
    assert result.code == 1 and result.err.startswith(f"{path}: line 3: --word-boundary corrects")
    assert len(result.out.splitlines()) == 1 + 3 + 1


def test_rows_without_a_text_are_named(letters: Letters, tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"sentence": "a"}\n{"other": 1}\n{"sentence": 3}\n{"sentence": "b"}\n')
    command = ("surprisal", "--file", str(path), "--column", "sentence", "--model", "m")
    result = tsuzuki(*command, "--json")
    assert result.err.splitlines() == [
        f"{path}: line 2: it has no text in sentence",
        f"{path}: line 3: it has no text in sentence",
        "2 of 4 rows could not be scored",
    ]
    assert [json.loads(line)["word"] for line in result.out.splitlines()] == ["a", None, None, "b"]


@pytest.mark.parametrize(
    ("data", "words", "bad"),
    [
        ("sentence,x\r\nThe key,1\r\nis,2\r\n".encode("utf-16"), ["The", "key", "is"], []),
        ("sentence,x\nThe key,1\n東京,2\n".encode("utf-16-le"), ["The", "key", "東京"], []),
        ("sentence,x\nThe key,1\nis,2\n".encode("utf-16-be"), ["The", "key", "is"], []),
        ("sentence,x\nkey,1\nis,2\n".encode("utf-16")[:-3], ["key", "NA"], [3]),
        ("sentence,x\r\nkey,1\r\n東京,2\r\nis,3\r\n".encode("cp932"), ["key", "is"], [3]),
        ("sentence,x\r\nkey,1\r\nis,3\r\n".encode("utf-8-sig"), ["key", "is"], []),
        (b"sentence,x\rkey,1\ris,3\r", ["key", "is"], []),
    ],
)
def test_files_in_other_encodings(
    letters: Letters,
    tsuzuki: Tsuzuki,
    tmp_path: Path,
    data: bytes,
    words: list[str],
    bad: list[int],
) -> None:
    """Rows that cannot be read are named by their line, and the others are scored."""
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    result = tsuzuki("surprisal", "--file", str(path), "--unit", "word", "--model", "m")
    reported = [line.partition(":")[0] for line in result.err.splitlines()[: len(bad)]]
    assert reported == [str(path)] * len(bad) and result.code == bool(bad)
    assert all(f"line {n}" in line for n, line in zip(bad, result.err.splitlines(), strict=False))
    rows = csv.DictReader(result.out.splitlines(), delimiter="\t")
    assert [row["word"] for row in rows if row["word"] != "NA"] == [w for w in words if w != "NA"]


def test_measures_and_frequencies(letters: Letters, tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    counts, out = tmp_path / "counts.tsv", tmp_path / "o.csv"
    counts.write_text("word\tcount\nThe\t2\nkey\t0\n")  # p(the) = 3/5, p(key) = 1/5
    command = ("--unit", "sentence", "--measures", "--unigrams", str(counts))
    table(tsuzuki, tmp_path / "a.csv", "sentence,n\nThe key.,1\n", *command, "--csv", str(out))
    (row,) = csv.DictReader(out.read_text().splitlines())
    alone = math.log2(5 / 3) + math.log2(5)
    assert float(row["unigram_bits"]) == pytest.approx(alone)
    assert float(row["slor_bits"]) == pytest.approx((alone - 6) / 2)
    assert float(row["norm_lp"]) == pytest.approx(-6 / alone)
    assert float(row["mean_entropy_bits"]) == pytest.approx(2.0)
    assert json.loads(out.with_name("o.csv.json").read_text())["unigrams"] == str(counts)
    assert letters.asked[0].after
    for content, why in (("word\tcount\na\tx\n", "line 2"), ("word\na\n", "second")):
        counts.write_text(content)
        result = tsuzuki("surprisal", "--file", str(tmp_path / "a.csv"), *command, "--model", "m")
        assert result.code == 2 and why in result.err
    result = tsuzuki(
        "surprisal", "--file", str(tmp_path / "a.csv"), "--unit", "token", "--unigrams", "x"
    )
    assert result.code == 2 and "not token" in result.err

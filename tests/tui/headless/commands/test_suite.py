"""`tsuzuki suite` with an engine that gives each piece the bits that its letters say."""

from __future__ import annotations

import json
import math
import re
import signal
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from engine.messages import (
    Done,
    Error,
    Event,
    Head,
    ListModels,
    Models,
    Request,
    ScoredBy,
    ScoreTexts,
    TextScore,
    TextToken,
)
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki
from tests.tui.suites.test_reading import condition, suite


class Scoring:
    """An engine with one model, which finds a word of n letters n bits surprising."""

    def __init__(self, engine: ScriptedEngine, head: Head) -> None:
        engine.scripts[ListModels] = [Models([model("m", heads=[head])])]
        self.start: str | None = "<s>"
        self.asked: list[list[str]] = []
        self.stop_after: int | None = None
        self._engine = engine
        self._plain = engine.request

    async def request(self, body: Request) -> AsyncGenerator[Event, None]:
        if not isinstance(body, ScoreTexts):
            async for event in self._plain(body):
                yield event
            return
        self.asked.append(body.texts)
        yield ScoredBy(model=body.model, revision="1", method="causal", start=self.start)
        for index, text in enumerate(body.texts):
            if index == self.stop_after:
                self._engine.scripts[ScoreTexts] = [signal.SIGINT]
                async for event in self._plain(body):
                    yield event
            words = [(found[0], *found.span()) for found in re.finditer(r"\s*\w+|\S", text)]
            tokens = [
                TextToken(n, word, start, end, -math.log(2) * len(word.strip()))
                for n, (word, start, end) in enumerate(words)
            ]
            if "bad" in text:
                error = Error(kind="bad_request", message="It cannot be read.")
                yield TextScore(index=index, error=error)
            else:
                yield TextScore(index=index, tokens=tokens)
        yield Done()


@pytest.fixture
def scoring(engine: ScriptedEngine, monkeypatch: pytest.MonkeyPatch) -> Scoring:
    scoring = Scoring(engine, "causal")
    monkeypatch.setattr(engine, "request", scoring.request)
    return scoring


def item(number: int, a: str, b: str) -> dict[str, object]:
    conditions = [condition("a", "One", a, "."), condition("b", "One", b, ".")]
    return {"item_number": number, "conditions": conditions}


def written(tmp_path: Path, content: str, name: str = "file.json") -> str:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_a_document_for_each_suite(scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    items = (item(3, "is", "are"), item(1, "was", "am"), item(2, "so", "to"))
    formulas = ("(2;%a%) < (2;%b%)", "(*;%a%) = (*;%b%)")
    first = written(tmp_path, suite(*items, formulas=formulas))
    rows = [{"sentence_good": "a b", "sentence_bad": "a bc", "UID": "pairs", "pairID": "7"}]
    second = written(tmp_path, "\n".join(map(json.dumps, rows)), "pairs.jsonl")
    result = tsuzuki("suite", first, second, "--model", "m", "--json")
    assert (result.code, result.err) == (0, "")
    one, two = map(json.loads, result.out.splitlines())
    assert one == {
        "suite": "s",
        "model": "m",
        "items": [
            {
                "item": 3,
                "predictions": [True, False],
                "regions": {"a": [3.0, 2.0, 1.0], "b": [3.0, 3.0, 1.0]},
            },
            {
                "item": 1,
                "predictions": [False, False],
                "regions": {"a": [3.0, 3.0, 1.0], "b": [3.0, 2.0, 1.0]},
            },
            {
                "item": 2,
                "predictions": [False, True],
                "regions": {"a": [3.0, 2.0, 1.0], "b": [3.0, 2.0, 1.0]},
            },
        ],
        "accuracy": [pytest.approx(1 / 3), pytest.approx(1 / 3)],
    }
    assert scoring.asked[0][:2] == ["One is.", "One are."]
    assert two["items"] == [
        {
            "item": "7",
            "predictions": [True],
            "regions": {"sentence_good": [2.0], "sentence_bad": [3.0]},
        }
    ]
    assert (two["suite"], two["accuracy"]) == ("pairs", [1.0])


def test_plain_output_has_shares_with_their_interval_and_means(
    scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    items = (item(3, "is", "are"), item(1, "was", "am"), item(2, "", "to"))
    content = suite(*items, region_meta={"1": "intro", "2": "verb", "3": "end"})
    result = tsuzuki("suite", written(tmp_path, content), "--model", "m")
    assert result.out.splitlines() == [
        "s: 3 items, m",
        "prediction 1: (2;%a%) < (2;%b%)",
        "  holds in 2 of 3: 66.7% (95% interval 20.8% to 93.9%)",
        "  fails in item 1",
        "",
        "Mean surprisal in bits, by region and condition",
        "                a         b",
        "1 intro      3.00      3.00",
        "2 verb       2.50      2.33",
        "3 end        1.00      1.00",
    ]


def test_what_cannot_be_scored_is_named_and_the_rest_is_scored(
    scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    items = (item(1, "is", "are"), item(2, "bad", "are"), {"item_number": 3, "conditions": []})
    file = written(tmp_path, suite(*items))
    broken = written(tmp_path, "{", "broken.json")
    result = tsuzuki("suite", broken, file, "--model", "m", "--json")
    assert result.code == 1
    assert [each["item"] for each in json.loads(result.out)["items"]] == [1]
    assert result.err.splitlines() == [
        f"{broken}: line 1: no JSON is written like this",
        f"{file}: item 3: it has no conditions",
        f"{file}: item 2: It cannot be read.",
    ]
    assert json.loads(result.out)["errors"] == [
        "item 3: it has no conditions",
        "item 2: It cannot be read.",
    ]
    assert tsuzuki("suite", broken, "--model", "m").code == 2


def test_a_masked_model_compares_whole_sentences_alone(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "request", Scoring(engine, "masked").request)
    regions = written(tmp_path, suite(item(1, "is", "are")))
    whole = written(
        tmp_path, suite(item(1, "is", "are"), formulas=("(*;%a%) < (*;%b%)",)), "w.json"
    )
    result = tsuzuki("suite", regions, whole, "--model", "m", "--json")
    assert result.code == 1
    assert "m reads both sides of a word" in result.err
    assert json.loads(result.out)["accuracy"] == [1.0]


def test_without_a_start_token_the_command_says_what_is_left_out(
    scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    scoring.start = None
    result = tsuzuki("suite", written(tmp_path, suite(item(1, "is", "are"))), "--model", "m")
    assert result.code == 0 and "m has no start token" in result.err


def test_finished_items_are_stored_and_the_same_command_goes_on(
    scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = written(tmp_path, suite(*(item(n, "is", "are") for n in range(4))))
    command = ("suite", file, "--model", "m", "--out", str(tmp_path / "new" / "out"))
    scoring.stop_after = 5  # two items, and half of the third
    assert tsuzuki(*command).code == 130
    kept = tmp_path / "new" / "out" / "s.m.jsonl"
    assert len(kept.read_text().splitlines()) == 4  # what scores them, with what, and two items
    kept.write_text(kept.read_text() + '{"item": 2, "predic')  # as when the machine stops
    scoring.stop_after = None
    result = tsuzuki(*command, "--json")
    assert [len(texts) for texts in scoring.asked] == [8, 4]
    assert [each["item"] for each in json.loads(result.out)["items"]] == [0, 1, 2, 3]
    assert json.loads(kept.with_suffix(".json").read_text()) == json.loads(result.out)
    assert kept.with_suffix(".csv").read_text().splitlines()[:4] == [
        "suite,item,condition,region,name,content,surprisal_bits",
        "s,0,a,1,NA,One,3.0",
        "s,0,a,2,NA,is,2.0",
        "s,0,a,3,NA,.,1.0",
    ]
    about = json.loads(kept.with_suffix(".csv.json").read_text())
    assert (about["start"], about["unit"], about["revision"]) == ("<s>", "region", "1")
    assert tsuzuki(*command, "--json").out == result.out
    assert json.loads(kept.with_suffix(".csv.json").read_text()) == about  # nothing was asked
    assert len(scoring.asked) == 2
    # another suite of the same name is scored anew
    written(tmp_path, suite(*(item(n, "was", "are") for n in range(4))))
    tsuzuki(*command)
    assert [len(texts) for texts in scoring.asked] == [8, 4, 8]


def test_a_folder_that_cannot_be_written_is_refused(
    scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file = written(tmp_path, suite(item(1, "is", "are")))
    result = tsuzuki("suite", file, "--model", "m", "--out", file)
    assert (result.code, result.err) == (1, f"{file} cannot be written: File exists\n")


def test_one_table_of_all_suites(scoring: Scoring, tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    first = written(tmp_path, suite(item(1, "", "are"), item(2, "bad", "a")))
    second = written(tmp_path, '{"sentence_good": "a, b", "sentence_bad": "c"}', "p.jsonl")
    out = tmp_path / "o.tsv"
    result = tsuzuki("suite", first, second, "--model", "m", "--tsv", str(out))
    assert result.code == 1 and result.out.startswith("s: 1 item, m\n")
    assert out.read_text().splitlines() == [
        "suite\titem\tcondition\tregion\tname\tcontent\tsurprisal_bits",
        "s\t1\ta\t1\tNA\tOne\t3.0",
        's\t1\ta\t2\tNA\t""\tNA',
        "s\t1\ta\t3\tNA\t.\t1.0",
        "s\t1\tb\t1\tNA\tOne\t3.0",
        "s\t1\tb\t2\tNA\tare\t3.0",
        "s\t1\tb\t3\tNA\t.\t1.0",
        "p\t1\tsentence_good\t1\tsentence\ta, b\t3.0",
        "p\t1\tsentence_bad\t1\tsentence\tc\t1.0",
    ]
    about = json.loads(out.with_name("o.tsv.json").read_text())
    assert (about["command"], about["file"]) == ("suite", f"{first}; {second}")

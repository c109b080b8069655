from __future__ import annotations

import json
from pathlib import Path

import pytest

from tui.suites import reading
from tui.suites.suite import Unreadable

SHARED = Path(__file__).resolve().parents[4] / "shared" / "suites"


def condition(name: str, *regions: str) -> dict[str, object]:
    numbered = enumerate(regions, 1)
    return {
        "condition_name": name,
        "regions": [{"region_number": n, "content": region} for n, region in numbered],
    }


def suite(
    *items: object, formulas: tuple[str, ...] = ("(2;%a%) < (2;%b%)",), **more: object
) -> str:
    predictions = [{"type": "formula", "formula": formula} for formula in formulas]
    file = {"meta": {"name": "s"}, "predictions": predictions, "items": list(items), **more}
    return json.dumps(file)


GOOD = {"item_number": 4, "conditions": [condition("a", "x", "y"), condition("b", "x", "z")]}


def test_a_suite_is_read_whole() -> None:
    (found,) = reading.read(suite(GOOD, region_meta={"1": "first", "2": "last"}), "file")
    assert (found.name, found.region_names, found.problems) == ("s", {1: "first", 2: "last"}, [])
    (item,) = found.items
    assert item.name == 4
    assert {key: value.text for key, value in item.conditions.items()} == {"a": "x y", "b": "x z"}
    bits = {"a": [1.0, 2.0], "b": [1.0, 3.0]}
    assert [item.holds(formula, bits) for formula in found.predictions] == [True]
    assert found.left_to_right


def test_good_items_are_kept_and_bad_ones_named() -> None:
    items = (
        GOOD,
        {"item_number": 5, "conditions": [condition("a", "x", "y")]},
        {"item_number": 6, "conditions": [condition("a", "x", "y"), condition("b", "x")]},
        {"item_number": 7, "conditions": [condition("a", "", " "), condition("b", "x", "y")]},
        {"item_number": 8, "conditions": [{"condition_name": "a", "regions": [{"content": "x"}]}]},
        {"item_number": 9, "conditions": [condition("a", "x"), condition("a", "x")]},
        {"item_number": 10, "conditions": [condition("a", "x", "y")], "conditionz": 1},
        "nothing",
        GOOD,
    )
    formulas = ("(2;%a%) < (2;%b%)", "(2;%a%) <", "(1;%a%) < (1;%nowhere%)")
    (found,) = reading.read(suite(*items, formulas=formulas), "file")
    assert [item.name for item in found.items] == [4]
    assert [formula is None for formula in found.predictions] == [False, True, True]
    assert found.problems == [
        "item 4: a is empty",
        "item 5: conditions[0].regions[0].region_number is missing",
        "item 6: condition a is there twice",
        "item 8: must hold names with values",
        "item 4: there is one of this number already",
        "prediction 2: it ends too early",
        "prediction 3: there is no condition nowhere",
        "item 5: there is no condition b",
        "item 6: there is no region 2 in condition b",
        "item 10: there is no condition b",
    ]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("", "it is empty"),
        ("{\n\n oh}", "line 3: no JSON is written like this"),
        ("[]", "must hold names with values"),
        ('{"items": []}', "predictions is missing"),
        (
            '{"items": [], "predictions": [{"type": "formula"}]}',
            "predictions[0].formula is missing",
        ),
        (suite(), "it has no items"),
        (suite(GOOD, formulas=()), "it has no predictions"),
        (suite(GOOD, formulas=("1 <",)), "prediction 1: it ends too early"),
        (suite(GOOD, meta={"metric": "mean"}), "its figures are the mean of"),
        ('{"x":\n"\udc93"}', "line 2: it is neither UTF-8 nor marked as UTF-16"),
        ('{"sentence_good": "a"}', "line 1: no texts sentence_good and sentence_bad in it"),
    ],
)
def test_a_file_without_a_suite_is_refused_with_the_reason(content: str, why: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        reading.read(content, "file")
    assert str(refusal.value).startswith(why)


def test_lines_of_pairs_are_suites_by_paradigm() -> None:
    def row(good: str, bad: str, **more: object) -> str:
        return json.dumps({"sentence_good": good, "sentence_bad": bad, **more})

    lines = [
        row("a", "b", UID="one", pairID="0"),
        "",
        "no json",
        row("c", "d", UID="two", pairID="0"),
        row("e", " "),
        row("f", "g", UID="one", pairID="1"),
        row("\udc93", "x"),
    ]
    one, two = reading.read("\r\n".join(lines).replace("\\udc93", "\udc93"), "file")
    assert (one.name, [item.name for item in one.items]) == ("one", ["0", "1"])
    assert (two.name, two.items[0].conditions["sentence_bad"].text) == ("two", "d")
    assert not one.left_to_right
    assert [problem.partition(":")[0] for problem in one.problems] == ["line 3", "line 5", "line 7"]
    assert two.problems == []


@pytest.mark.skipif(not SHARED.exists(), reason="the published suites are not here")
def test_published_suites_are_read_without_a_complaint() -> None:
    counts = {}
    for path in sorted([*SHARED.glob("syntaxgym/*.json"), *SHARED.glob("blimp/*.jsonl")]):
        (found,) = reading.read(path.read_text(encoding="utf-8"), path.stem)
        assert found.name == path.stem and found.problems == []
        counts[found.name] = len(found.items)
    assert counts["npz_obj"] == 24 and counts["passive_1"] == 100 and len(counts) == 11

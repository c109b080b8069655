"""SyntaxGym's JSON (Gauthier et al. 2020): regions, conditions, and predictions as formulas."""

from __future__ import annotations

import re

import msgspec
from msgspec import Struct

from tui.files.text_file import utf8
from tui.files.values import wrong
from tui.strings import text
from tui.suites.sentences import joined
from tui.suites.suite import Item, ItemName, Suite, Unreadable, checked


class _Meta(Struct):
    name: str = ""
    metric: str = "sum"


class _Prediction(Struct):
    formula: str
    type: str = "formula"


class _Region(Struct):
    region_number: int
    content: str


class _Condition(Struct):
    condition_name: str
    regions: list[_Region]


class _Item(Struct):
    conditions: list[_Condition]
    item_number: ItemName | None = None


class _File(Struct):
    items: list[msgspec.Raw]
    predictions: list[_Prediction]
    meta: _Meta = msgspec.field(default_factory=_Meta)
    region_meta: dict[str, str] = {}


def read(content: str, name: str) -> Suite:
    """The suite of a file's text; `name` is that of a suite that has none of its own.

    Raises:
        Unreadable: it holds none.
    """
    data = content.encode("utf-8", "surrogateescape")
    strange = (n for n, line in enumerate(content.split("\n"), 1) if not utf8(line))
    if line := next(strange, 0):
        raise Unreadable(text("suites.row", line=line, reason=text("suites.not_utf8")))
    try:
        file = msgspec.json.decode(data, type=_File)
    except msgspec.ValidationError as error:
        raise Unreadable(_mistake(error)) from None
    except msgspec.DecodeError as error:
        raise Unreadable(text("suites.no_json", line=_line(data, error))) from None
    if file.meta.metric != "sum":
        raise Unreadable(text("suites.metric", metric=file.meta.metric))
    items: list[Item] = []
    problems: list[str] = []
    for number, raw in enumerate(file.items, 1):
        try:
            items.append(_item(raw, number))
        except msgspec.ValidationError as error:
            problems.append(text("suites.item", item=number, reason=_mistake(error)))
        except ValueError as error:
            problems.append(text("suites.item", item=number, reason=error))
    formulas = [each.formula for each in file.predictions]
    names = {int(key): value for key, value in file.region_meta.items() if key.isdecimal()}
    return checked(file.meta.name or name, formulas, names, items, problems)


def _item(raw: msgspec.Raw, number: int) -> Item:
    """An item; `number` is its place in the file, which names one that has no number.

    Raises:
        ValueError: it is none.
    """
    found = msgspec.json.decode(raw, type=_Item, strict=False)
    conditions = {}
    for condition in found.conditions:
        sentence = joined(
            [region.region_number for region in condition.regions],
            [region.content for region in condition.regions],
        )
        if not sentence.text:
            raise ValueError(text("suites.empty", condition=condition.condition_name))
        if condition.condition_name in conditions:
            raise ValueError(text("suites.condition_twice", condition=condition.condition_name))
        if len(set(sentence.numbers)) < len(sentence.numbers):
            raise ValueError(text("suites.region_twice", condition=condition.condition_name))
        conditions[condition.condition_name] = sentence
    if not conditions:
        raise ValueError(text("suites.no_conditions"))
    return Item(number if found.item_number is None else found.item_number, conditions)


_PLACE = re.compile(r" - at `\$\.?(.+)`$")
_LACKING = re.compile(r"required field `(\w+)`")


def _mistake(error: msgspec.ValidationError) -> str:
    """Where a value is, and what it must be."""
    place = _PLACE.search(str(error))
    path = place[1] if place else ""
    if lacking := _LACKING.search(str(error)):
        return text("suites.lacks", what=".".join(filter(None, (path, lacking[1]))))
    return text("suites.value", what=path, wrong=wrong(error)) if path else wrong(error)


def _line(data: bytes, error: msgspec.DecodeError) -> int:
    """The line of a file where it stops being JSON."""
    place = str(error).rpartition("(byte ")[2].rstrip(")")
    return data.count(b"\n", 0, int(place) if place.isdecimal() else len(data)) + 1

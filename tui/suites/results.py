"""What came of a suite, item by item, and what it comes to over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import fmean

from msgspec import Struct

from tui.files.tables import Value
from tui.suites.suite import ItemName, Suite

COLUMNS = ("suite", "item", "condition", "region", "name", "content", "surprisal_bits")
"""Those of the table."""
Means = dict[int, dict[str, float | None]]
"""Bits by region and condition; None where no item has a figure there."""


class SuiteItem(Struct, frozen=True, kw_only=True):
    """An item: which predictions hold, and the bits of each region by condition.

    None where a figure is missing: the first piece of a sentence has none under a model without a
    start token.
    """

    item: ItemName
    predictions: list[bool | None]
    regions: dict[str, list[float | None]]


class SuiteDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A suite's results as JSON; `accuracy` is a share for each prediction."""

    suite: str
    model: str
    items: list[SuiteItem]
    accuracy: list[float | None]
    errors: list[str] = []
    """What could not be scored, and why."""


def document(
    suite: Suite, model: str, items: Sequence[SuiteItem], errors: Sequence[str]
) -> SuiteDocument:
    """The results of these items."""
    shares = [held(items, number) for number in range(len(suite.predictions))]
    return SuiteDocument(
        suite=suite.name,
        model=model,
        items=list(items),
        accuracy=[sum(known) / len(known) if known else None for known in shares],
        errors=list(errors),
    )


def held(items: Sequence[SuiteItem], prediction: int) -> list[bool]:
    """Whether a prediction, by its number from 0, holds in each item that shows it."""
    found = (item.predictions[prediction] for item in items)
    return [each for each in found if each is not None]


def means(suite: Suite, items: Sequence[SuiteItem]) -> Means:
    """The mean bits of each region under each condition, of those items that are not empty there.

    Regions are in the order of their numbers.
    """
    known = {item.name: item for item in suite.items}
    found: dict[int, dict[str, list[float]]] = {}
    for scored in items:
        for condition, sentence in known[scored.item].conditions.items():
            bits = scored.regions[condition]
            for number, start, value in zip(sentence.numbers, sentence.starts, bits, strict=True):
                values = found.setdefault(number, {}).setdefault(condition, [])
                if start is not None and value is not None:  # an empty region has no surprisal
                    values.append(value)
    return {
        number: {name: fmean(each) if each else None for name, each in found[number].items()}
        for number in sorted(found)
    }


def conditions(suite: Suite, items: Sequence[SuiteItem]) -> list[str]:
    """The conditions of these items, in the order in which the suite has them."""
    names = {scored.item for scored in items}
    known = (item for item in suite.items if item.name in names)
    return list(dict.fromkeys(name for item in known for name in item.conditions))


def rows(suite: Suite, items: Sequence[SuiteItem]) -> Iterator[dict[str, Value]]:
    """The rows of a table: a region under a condition in each."""
    known = {item.name: item for item in suite.items}
    for scored in items:
        for condition, sentence in known[scored.item].conditions.items():
            bits = scored.regions[condition]
            for number, content, start, value in zip(
                sentence.numbers, sentence.regions, sentence.starts, bits, strict=True
            ):
                name = suite.region_names.get(number)
                surprisal = None if start is None else value  # an empty region has none
                cells = (suite.name, scored.item, condition, number, name, content, surprisal)
                yield dict(zip(COLUMNS, cells, strict=True))

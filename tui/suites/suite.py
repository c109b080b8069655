"""A suite: items, each a sentence under several conditions, and predictions about all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tui.strings import text
from tui.suites.formula import Formula, Malformed, Reference, parse
from tui.suites.sentences import Sentence

ItemName = int | str


class Unreadable(Exception):
    """A file that holds no suite; its message says why, for the user."""


@dataclass(frozen=True)
class Item:
    """One item, by its number in the suite."""

    name: ItemName
    conditions: dict[str, Sentence]

    def holds(
        self, formula: Formula | None, bits: Mapping[str, Sequence[float | None]]
    ) -> bool | None:
        """Whether a prediction holds, given the bits of each region by condition."""
        return None if formula is None else formula.holds(lambda one: self._bits(one, bits))

    def lacks(self, reference: Reference) -> str:
        """What a formula refers to that the item does not have, for the user; or nothing."""
        sentence = self.conditions.get(reference.condition)
        if sentence is None:
            return text("suites.no_condition", condition=reference.condition)
        if reference.region is not None and reference.region not in sentence.numbers:
            return text("suites.no_region", region=reference.region, condition=reference.condition)
        return ""

    def _bits(
        self, reference: Reference, bits: Mapping[str, Sequence[float | None]]
    ) -> float | None:
        found = bits[reference.condition]
        if reference.region is not None:
            return found[self.conditions[reference.condition].numbers.index(reference.region)]
        known = [each for each in found if each is not None]
        return sum(known) if known else None


@dataclass(frozen=True)
class Suite:
    """A suite as a file holds it, without what is wrong in it."""

    name: str
    predictions: list[Formula | None]
    """None for one that cannot be understood, or that no item has the regions for."""
    region_names: dict[int, str]
    items: list[Item]
    problems: list[str] = field(default_factory=list)
    """What is wrong with single items, rows or predictions, each for the user."""

    @property
    def left_to_right(self) -> bool:
        """Whether a prediction is about regions, whose surprisal is that after what is before."""
        return any(
            reference.region is not None
            for formula in self.predictions
            if formula is not None
            for reference in formula.references()
        )


def checked(
    name: str,
    formulas: Iterable[str],
    region_names: dict[int, str],
    items: Iterable[Item],
    problems: Iterable[str],
) -> Suite:
    """A suite of those items that have all that its predictions refer to.

    Raises:
        Unreadable: there is no such item, or no prediction that can be understood.
    """
    complaints = list(problems)
    good = list(items)
    for twice in [name for name, count in Counter(item.name for item in good).items() if count > 1]:
        complaints.append(text("suites.item", item=twice, reason=text("suites.twice")))
        first = next(item for item in good if item.name == twice)
        good = [item for item in good if item is first or item.name != twice]
    if not good:
        raise Unreadable(*(complaints[:1] or [text("suites.no_items")]))
    predictions: list[Formula | None] = []
    for number, written in enumerate(formulas, 1):
        try:
            predictions.append(_fitting(written, good))
        except Malformed as error:
            complaints.append(text("suites.prediction", number=number, reason=error))
            predictions.append(None)
    if not any(predictions):
        raise Unreadable(*(complaints[:1] or [text("suites.no_predictions")]))
    whole: list[Item] = []
    for item in good:
        reason = next(filter(None, _lacking(item, predictions)), "")
        if reason:
            complaints.append(text("suites.item", item=item.name, reason=reason))
        else:
            whole.append(item)
    return Suite(name, predictions, region_names, whole, complaints)


def _fitting(written: str, items: Sequence[Item]) -> Formula:
    """A formula that one item at least has the regions for.

    Raises:
        Malformed: it cannot be understood, or none has.
    """
    formula = parse(written)
    lacking = [next(filter(None, _lacking(item, [formula])), "") for item in items]
    if all(lacking):
        raise Malformed(lacking[0])
    return formula


def _lacking(item: Item, formulas: Iterable[Formula | None]) -> Iterable[str]:
    return (
        item.lacks(reference)
        for formula in formulas
        if formula is not None
        for reference in formula.references()
    )

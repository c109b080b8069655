"""A suite's results as lines: how often each prediction holds, and means by region."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rich.cells import cell_len

from tui.analysis.intervals import wilson
from tui.strings import text
from tui.suites import results
from tui.suites.results import SuiteDocument, held
from tui.suites.suite import Suite
from tui.terminal.units import padded


def lines(suite: Suite, document: SuiteDocument) -> Iterator[str]:
    """The lines of one suite."""
    yield text("cli.suite_head", suite=suite.name, count=len(document.items), model=document.model)
    for number, formula in enumerate(suite.predictions):
        if formula is not None:
            yield from _prediction(number, formula.written, document)
    yield ""
    yield from _means(suite, document)


def _prediction(number: int, written: str, document: SuiteDocument) -> Iterator[str]:
    yield text("cli.suite_prediction", number=number + 1, formula=written)
    verdicts = {item.item: item.predictions[number] for item in document.items}
    known = held(document.items, number)
    if known:
        low, high = wilson(sum(known), len(known))
        yield "  " + text(
            "cli.suite_accuracy",
            share=f"{sum(known) / len(known):.1%}",
            right=sum(known),
            count=len(known),
            low=f"{low:.1%}",
            high=f"{high:.1%}",
        )
    for key, verdict in (("cli.suite_fails", False), ("cli.suite_unknown", None)):
        items = [str(item) for item, each in verdicts.items() if each is verdict]
        if items:
            yield "  " + text(key, items=items)


@dataclass(frozen=True)
class Means:
    """The mean bits of each region under each condition."""

    regions: list[str]
    conditions: dict[str, list[float | None]]
    """By region; None where a condition has no figure for it."""


def means(suite: Suite, document: SuiteDocument) -> Means:
    """Those of a suite, over its items."""
    found, names = results.means(suite, document.items), results.conditions(suite, document.items)
    return Means(
        [f"{number} {suite.region_names.get(number, '')}".strip() for number in found],
        {name: [bits.get(name) for bits in found.values()] for name in names},
    )


def _means(suite: Suite, document: SuiteDocument) -> Iterator[str]:
    """A table of mean bits, a row for each region and a column for each condition."""
    found = means(suite, document)
    yield text("cli.suite_means")
    first = max(map(cell_len, found.regions), default=0)
    widths = {name: max(8, cell_len(name)) for name in found.conditions}
    yield "  ".join([" " * first, *(name.rjust(widths[name]) for name in found.conditions)])
    for number, name in enumerate(found.regions):
        cells = [
            ("–" if bits[number] is None else f"{bits[number]:.2f}").rjust(widths[condition])
            for condition, bits in found.conditions.items()
        ]
        yield "  ".join([padded(name, first), *cells])

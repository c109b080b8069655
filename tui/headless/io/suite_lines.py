"""A suite's results as lines: how often each prediction holds, and means by region."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len

from tui.analysis.intervals import wilson
from tui.strings import text
from tui.suites.results import SuiteDocument, conditions, held, means
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


def _means(suite: Suite, document: SuiteDocument) -> Iterator[str]:
    """A table of mean bits, a row for each region and a column for each condition."""
    found = means(suite, document.items)
    names = conditions(suite, document.items)
    yield text("cli.suite_means")
    regions = {number: f"{number} {suite.region_names.get(number, '')}".strip() for number in found}
    first = max((cell_len(name) for name in regions.values()), default=0)
    widths = {name: max(8, cell_len(name)) for name in names}
    yield "  ".join([" " * first, *(name.rjust(widths[name]) for name in names)])
    for number, name in regions.items():
        bits = [found[number].get(condition) for condition in names]
        cells = [
            ("–" if value is None else f"{value:.2f}").rjust(widths[condition])
            for condition, value in zip(names, bits, strict=True)
        ]
        yield "  ".join([padded(name, first), *cells])

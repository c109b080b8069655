"""A suite's results as lines: how often each prediction holds, and means by region."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean

from rich.cells import cell_len

from tui.analysis.intervals import wilson
from tui.headless.schemas.suite import SuiteDocument
from tui.strings import text
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
    held = {item.item: item.predictions[number] for item in document.items}
    known = [each for each in held.values() if each is not None]
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
        items = [str(item) for item, each in held.items() if each is verdict]
        if items:
            yield "  " + text(key, items=items)


def _means(suite: Suite, document: SuiteDocument) -> Iterator[str]:
    """A table of mean bits, a row for each region and a column for each condition."""
    shown = {item.item for item in document.items}
    items = [item for item in suite.items if item.name in shown]
    found: dict[int, dict[str, list[float]]] = {}
    for item, scored in zip(items, document.items, strict=True):
        for condition, sentence in item.conditions.items():
            bits = scored.regions[condition]
            for number, start, value in zip(sentence.numbers, sentence.starts, bits, strict=True):
                row = found.setdefault(number, {}).setdefault(condition, [])
                if start is not None and value is not None:  # an empty region has no surprisal
                    row.append(value)
    conditions = list(dict.fromkeys(name for item in items for name in item.conditions))
    yield text("cli.suite_means")
    names = {
        number: f"{number} {suite.region_names.get(number, '')}".strip() for number in sorted(found)
    }
    first = max((cell_len(name) for name in names.values()), default=0)
    widths = {name: max(8, cell_len(name)) for name in conditions}
    yield "  ".join([" " * first, *(name.rjust(widths[name]) for name in conditions)])
    for number, name in names.items():
        means = [found[number].get(condition, []) for condition in conditions]
        cells = [
            (f"{fmean(values):.2f}" if values else "–").rjust(widths[condition])
            for condition, values in zip(conditions, means, strict=True)
        ]
        yield "  ".join([padded(name, first), *cells])

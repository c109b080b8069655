"""A suite under one model: its items, the regions of one, and which predictions hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import ClassVar, Literal

from rich.cells import cell_len
from textual import on
from textual.binding import BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.events import Resize
from textual.widget import Widget
from textual.widgets import DataTable, Static

from tui.analysis.intervals import wilson
from tui.connection.services import Services
from tui.export import suite_files
from tui.export.table_files import about
from tui.files import paths, system_errors
from tui.keys.actions import bindings
from tui.render import regions
from tui.render.flow import Line
from tui.render.regions import Region, Row
from tui.screens.base import MessageScreen, Table
from tui.strings import text
from tui.suites import results
from tui.suites.results import SuiteItem
from tui.suites.running import SuiteRun
from tui.suites.suite import Item
from tui.terminal.sanitise import clean
from tui.widgets.lines import Page

_LIST = 10
"""Cells of a column of the list of items at most."""


class Regions(Page):
    """The grid, which is laid out for the width there is."""

    def __init__(self, resized: Callable[[], None]) -> None:
        super().__init__()
        self._changed = resized
        self.can_focus = False

    def on_resize(self, event: Resize) -> None:
        """Lay out anew."""
        self._changed()


class SuiteScreen(MessageScreen[tuple[SuiteRun, Item]]):
    """Follows the runs of a file's suites, one of which is seen. Ends with an item to open."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings("suite")]

    def __init__(self, shared: Services, runs: Sequence[SuiteRun], at: int = 0) -> None:
        super().__init__(shared, "")
        self._runs = runs
        self._at = at
        self._first = 0
        """The region that the grid begins with."""
        self._means = False
        """Whether the means of all items are seen, instead of one item."""
        self._drawn: tuple[object, ...] = ()
        self._said = ""
        """What a key did, until the next one."""
        suites = [run.named.suite for run in runs]
        names = (str(item.name) for suite in suites for item in suite.items)
        columns = {
            text("screens.suite.item"): max(map(cell_len, names), default=0),
            text("screens.suite.marks"): max(len(suite.predictions) for suite in suites),
        }
        widths = [
            (title, max(cell_len(title), min(width, _LIST))) for title, width in columns.items()
        ]
        self._table = Table(*widths, cut=self.cut)
        self._table.styles.width = sum(width + 2 for _, width in widths) + 1  # and the scrollbar
        self._regions = Regions(self._draw)
        self._predictions = Static(markup=False)

    @property
    def run(self) -> SuiteRun:
        """The suite that is seen."""
        return self._runs[self._at]

    def body(self) -> Iterator[Widget]:
        """The items, beside them the regions of one, and below what the predictions say."""
        with Horizontal(classes="columns"):
            yield self._table
            yield self._regions
        with VerticalScroll(classes="details", can_focus=False):
            yield self._predictions

    def on_mount(self) -> None:
        """Score what is missing, and follow it."""
        self._table.focus()
        self.set_interval(0.2, self._follow)
        self._turn()

    # ------------------------------------------------------------------------ showing

    def _follow(self) -> None:
        """Draw what came since the last time."""
        run = self.run
        now = (run, run.status, len(run.scored), len(run.errors))
        if now != self._drawn:
            self._drawn = now
            self._list()
            self._draw()
        self._report()

    def _list(self) -> None:
        """The items, each with the marks of its predictions."""
        glyphs = self.shared.glyphs
        marks = {True: glyphs.on, False: glyphs.off, None: "–"}
        rows: dict[str, tuple[str, ...]] = {}
        for number, item in enumerate(self.run.named.suite.items):
            scored = self.run.scored.get(item.name)
            held = "" if scored is None else "".join(marks[each] for each in scored.predictions)
            rows[str(number)] = (str(item.name), held)
        self._table.show(rows)

    def _report(self) -> None:
        """How far it is, or what is to be known of it."""
        run = self.run
        parts = [run.message]
        if run.status == "running":
            parts.append(text("screens.suite.scoring", progress=run.progress()))
        elif run.status != "done":
            parts.append(text("screens.suite.stopped", progress=run.progress()))
        elif run.errors:
            parts.append(text("screens.suite.problems", first=run.errors[0], n=len(run.errors)))
        self.show_message(clean(self._said or " ".join(filter(None, parts))))

    def _turn(self) -> None:
        """Show the suite from where it was looked at last."""
        place = self.run.place
        self._first, self._said = 0, ""
        self.run.start()
        self._follow()
        self._table.go(str(place))

    @on(DataTable.RowHighlighted)
    def _highlighted(self) -> None:
        """Show the item under the cursor."""
        if self._table.chosen is not None:
            self.run.place = int(self._table.chosen)
        self._said = ""
        self._draw()

    def _draw(self) -> None:
        """The regions, and the predictions."""
        run, item, scored = self.run, self._item, self._scored
        suite = clean(run.named.suite.name)
        of = len(run.named.suite.items)
        key = "means" if self._means else "title"
        name = "" if item is None else clean(str(item.name))
        title = text(f"screens.suite.{key}", suite=suite, item=name, n=of, model=clean(run.model))
        if self._means:
            heads, rows = self._mean_rows()
            lines = self._verdicts(None)
        elif item is not None:
            heads, rows = self._item_rows(item, scored)
            lines = self._verdicts(scored)
        else:
            return
        width = max(8, self._regions.size.width - 1)
        self._first = max(0, min(self._first, len(heads) - 1))
        found = regions.grid(heads, rows, self._first, width, self.shared.glyphs)
        self._regions.put(found.lines or [Line()])
        if found.shown != (0, len(heads)):
            first, stop = found.shown
            part = text("screens.suite.part", first=first + 1, last=stop, of=len(heads))
            title = self.shared.glyphs.dot.join((title, part))
        self.heading(title)
        self._predictions.update("\n".join(lines))

    @property
    def _item(self) -> Item | None:
        """The item under the cursor."""
        chosen = self._table.chosen
        return None if chosen is None else self.run.named.suite.items[int(chosen)]

    @property
    def _scored(self) -> SuiteItem | None:
        item = self._item
        return None if item is None else self.run.scored.get(item.name)

    def _head(self, number: int) -> str:
        return f"{number} {self.run.named.suite.region_names.get(number, '')}".strip()

    def _item_rows(self, item: Item, scored: SuiteItem | None) -> tuple[list[str], list[Row]]:
        """An item's regions under each condition, those of one number below each other."""
        numbers = sorted({n for sentence in item.conditions.values() for n in sentence.numbers})
        rows: list[Row] = []
        for condition, sentence in item.conditions.items():
            bits = [None] * len(sentence.numbers)
            known = scored.regions[condition] if scored is not None else bits
            cells = {
                number: Region(content, None if start is None else value)
                for number, content, start, value in zip(
                    sentence.numbers, sentence.regions, sentence.starts, known, strict=True
                )
            }
            figures = [each for each in known if each is not None]
            total = sum(figures) if figures else None
            rows.append(Row(condition, [cells.get(number) for number in numbers], total))
        return [self._head(number) for number in numbers], rows

    def _mean_rows(self) -> tuple[list[str], list[Row]]:
        """The means of all scored items."""
        suite, items = self.run.named.suite, self.run.items
        found = results.means(suite, items)
        rows = [
            Row(
                condition,
                [
                    Region("", bits[condition]) if condition in bits else None
                    for bits in found.values()
                ],
                None,
            )
            for condition in results.conditions(suite, items)
        ]
        return [self._head(number) for number in found], rows

    def _verdicts(self, scored: SuiteItem | None) -> list[str]:
        """Each prediction: whether it holds in an item, and how often in all of them."""
        run, glyphs = self.run, self.shared.glyphs
        lines: list[str] = []
        for number, formula in enumerate(run.named.suite.predictions):
            if formula is None:
                continue
            parts = [str(number + 1)]
            if scored is not None:
                verdict = scored.predictions[number]
                mark = {True: glyphs.on, False: glyphs.off, None: "–"}[verdict]
                key = {True: "holds", False: "fails", None: "unknown"}[verdict]
                parts.append(f"{mark} {text(f'screens.suite.{key}')}")
            parts.append(self._accuracy(number))
            lines.append(clean("  ".join([*filter(None, parts), formula.written])))
            if self._means:
                failed = [str(i.item) for i in run.items if i.predictions[number] is False]
                if failed:
                    lines.append(clean(f"   {text('cli.suite_fails', items=failed)}"))
        return [*lines, *(map(clean, run.errors) if self._means else ())]

    def _accuracy(self, number: int) -> str:
        known = results.held(self.run.items, number)
        if not known:
            return ""
        low, high = wilson(sum(known), len(known))
        return text(
            "screens.suite.accuracy",
            share=f"{sum(known) / len(known):.1%}",
            right=sum(known),
            count=len(known),
            low=f"{low:.1%}",
            high=f"{high:.1%}",
        )

    # ------------------------------------------------------------------------ actions

    def action_close(self) -> None:
        """Stop scoring and keep what came; else go back."""
        if self.run.status == "running":
            self.run.stop()
            self._follow()
        else:
            self.dismiss(None)

    def action_suite_regions(self, by: int) -> None:
        """Show the regions further to the right, or to the left."""
        self._first += by
        self._draw()

    def action_suite_scroll(self, by: int) -> None:
        """Scroll the regions up or down."""
        self._regions.scroll_relative(y=by, animate=False)

    def action_suite_means(self) -> None:
        """Show the means of all items, or one item again."""
        self._means = not self._means
        self._draw()

    def action_suite_failing(self, by: int) -> None:
        """Go to the next item in which a prediction fails, or to the one before."""
        items = self.run.named.suite.items
        at = 0 if self._table.chosen is None else int(self._table.chosen)
        order = range(at + 1, len(items)) if by > 0 else range(at - 1, -1, -1)
        for number in order:
            scored = self.run.scored.get(items[number].name)
            if scored is not None and False in scored.predictions:
                self._table.go(str(number))
                return
        self._say(text("screens.suite.no_failing"))

    def action_suite_other(self) -> None:
        """Show the next suite of the file."""
        if len(self._runs) == 1:
            self._say(text("screens.suite.only"))
            return
        self._at = (self._at + 1) % len(self._runs)
        self._turn()

    def action_suite_run(self) -> None:
        """Score the items that are missing."""
        if self.run.status == "done" and not self.run.errors:
            self._say(text("screens.suite.done"))
            return
        self._said = ""
        self.run.start()
        self._follow()

    def action_suite_save(self, kind: Literal["csv", "tsv"]) -> None:
        """Write the results to a table."""
        run, folder = self.run, self.shared.settings.exports()
        said = None if run.by is None else about(run.by, "suite", run.named.file, "region")
        try:
            paths.ensure(folder)
            path = suite_files.save(folder, run.named.suite, run.document, kind, said)
            self._say(text("export.saved", path=path))
        except OSError as error:
            self._say(text("export.not_saved", reason=system_errors.reason(error)))

    def action_suite_open(self) -> None:
        """Open the sentences of the item as cards."""
        if self._item is not None:
            self.dismiss((self.run, self._item))

    def _say(self, message: str) -> None:
        """Show what a key did."""
        self._said = message
        self._report()

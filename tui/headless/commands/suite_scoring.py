"""Scores the items of a suite, and keeps them in a folder where one is given."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from engine.messages import ModelInfo, ScoredBy
from tui.export import suite_files, table_files
from tui.export.table_files import About
from tui.files.tables import Value
from tui.headless.io.output import Output
from tui.headless.io.session import Session
from tui.headless.io.suite_store import SuiteStore
from tui.headless.io.tables import unwritable
from tui.headless.io.text_scores import scores
from tui.strings import text
from tui.suites import results
from tui.suites.asking import Asking
from tui.suites.reading import NamedSuite
from tui.suites.results import SuiteDocument, SuiteItem
from tui.suites.suite import Item, ItemName, Suite
from tui.terminal.exit_codes import Failure
from tui.terminal.forecast import Forecast

if TYPE_CHECKING:
    from tui.headless.commands.suite import SuiteCommand


@dataclass(frozen=True)
class ScoredSuite:
    """A suite with the figures of its items."""

    named: NamedSuite
    document: SuiteDocument
    by: ScoredBy | None
    """None where it has no item."""

    def rows(self) -> Iterator[dict[str, Value]]:
        """The rows of a table: a region under a condition in each."""
        return results.rows(self.named.suite, self.document.items)


def about(suites: Sequence[ScoredSuite]) -> About | None:
    """What a table of these suites says of itself; None where nothing was scored."""
    by = next((each.by for each in suites if each.by is not None), None)
    files = "; ".join(dict.fromkeys(each.named.file for each in suites))
    return None if by is None else table_files.about(by, "suite", files, "region")


async def scored(
    session: Session,
    model: ModelInfo,
    named: NamedSuite,
    command: SuiteCommand,
    folder: Path | None,
    output: Output,
) -> ScoredSuite:
    """Score the items of a suite, but not those that `folder` holds already.

    Raises:
        Failure: the model does not suit it, the engine refused, or results cannot be stored.
    """
    suite = named.suite
    if "causal" not in model.heads and suite.left_to_right:
        message = text("suites.masked", model=model.id)
        raise Failure(message, text("suites.masked_hint"), of_text=True)
    if folder is None:
        return await _scored(session, model, named, command, None, output)
    path = suite_files.stem(folder, suite.name, model.id)
    path = path.with_name(f"{path.name}.jsonl")
    try:
        with SuiteStore(path, _key(named, model, command)) as store:
            found = await _scored(session, model, named, command, store, output)
        suite_files.save(folder, suite, found.document, "csv", about([found]))
    except OSError as error:
        raise unwritable(path, error) from error
    return found


async def _scored(
    session: Session,
    model: ModelInfo,
    named: NamedSuite,
    command: SuiteCommand,
    store: SuiteStore | None,
    output: Output,
) -> ScoredSuite:
    import asyncio  # not at the top: --help needs none

    suite = named.suite
    found: dict[ItemName, SuiteItem] = {} if store is None else store.items
    errors = list(suite.problems)
    by = None if store is None else store.by
    missing = [item for item in suite.items if item.name not in found]
    total, forecast = len(suite.items), Forecast()
    step = text("cli.suite_scoring", suite=suite.name)
    try:
        async for item in _answers(session, model, suite, missing, command, output):
            if isinstance(item, ScoredBy):
                by = item
                if store is not None:
                    store.begin(by)
                continue
            if isinstance(item, str):
                errors.append(item)
                output.error(f"{named.file}: {item}")
                continue
            found[item.item] = item
            if store is not None:
                store.add(item)
            output.status(step, forecast.count(len(found), total))
    except asyncio.CancelledError:
        if store is not None:
            output.note(text("cli.suite_kept", done=len(found), total=total))
        raise
    items = [found[item.name] for item in suite.items if item.name in found]
    return ScoredSuite(named, results.document(suite, model.id, items, errors), by)


async def _answers(
    session: Session,
    model: ModelInfo,
    suite: Suite,
    items: Sequence[Item],
    command: SuiteCommand,
    output: Output,
) -> AsyncIterator[ScoredBy | SuiteItem | str]:
    """What scores them; then each item when all its sentences are scored, or why it cannot be."""
    asking = Asking(suite, items, model.id, command.precision, command.method)
    async for event in scores(session, asking.request):
        if isinstance(event, ScoredBy):
            if event.method == "causal" and event.start is None:
                output.warn(text("suites.no_start", model=model.id))
            yield event
            continue
        found = asking.take(event)
        if found is not None:
            yield found


def _key(named: NamedSuite, model: ModelInfo, command: SuiteCommand) -> dict[str, str]:
    """What items must have been scored from, and with, to be the same."""
    return {
        "file": named.digest,
        "suite": named.suite.name,
        "model": model.id,
        "revision": model.revision,
        "precision": command.precision,
        "method": "causal" if "causal" in model.heads else command.method or "original",
        "format": "2",  # since what scored them is kept
        "version": metadata.version("tsuzuki"),
    }

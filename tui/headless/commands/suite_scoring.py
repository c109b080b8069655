"""Scores the items of a suite, and keeps them in a folder where one is given."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from engine.messages import ModelInfo, ScoredBy, ScoreTexts, TextToken
from tui.files import whole_file
from tui.files.tables import written
from tui.headless.io import tables
from tui.headless.io.narration import Forecast
from tui.headless.io.output import Output
from tui.headless.io.session import Session
from tui.headless.io.suite_store import SuiteStore
from tui.headless.io.tables import unwritable
from tui.headless.io.text_figures import Figures
from tui.headless.io.text_scores import scores
from tui.headless.schemas.suite import SuiteDocument, SuiteItem
from tui.strings import text, worded
from tui.suites.suite import Item, ItemName, Suite
from tui.terminal.exit_codes import Failure

if TYPE_CHECKING:
    from tui.headless.commands.suite import SuiteCommand

COLUMNS = ("suite", "item", "condition", "region", "name", "content", "surprisal_bits")
"""Those of the table in the folder."""


@dataclass(frozen=True)
class NamedSuite:
    """A suite and where it comes from."""

    file: str
    digest: str
    """Of the file's bytes."""
    suite: Suite


@dataclass(frozen=True)
class ScoredSuite:
    """A suite with the figures of its items."""

    named: NamedSuite
    document: SuiteDocument
    by: ScoredBy | None
    """None where it has no item."""

    def rows(self) -> Iterator[Figures]:
        """The rows of a table: a region under a condition in each."""
        suite = self.named.suite
        items = {item.name: item for item in suite.items}
        for scored_item in self.document.items:
            for condition, sentence in items[scored_item.item].conditions.items():
                bits = scored_item.regions[condition]
                for number, content, start, value in zip(
                    sentence.numbers, sentence.regions, sentence.starts, bits, strict=True
                ):
                    name = suite.region_names.get(number)
                    surprisal = None if start is None else value  # an empty region has none
                    own = (suite.name, scored_item.item, condition, number, name, content)
                    yield dict(zip(COLUMNS, (*own, surprisal), strict=True))


def about(suites: Sequence[ScoredSuite]) -> tables.About | None:
    """What a table of these suites says of itself; None where nothing was scored."""
    by = next((each.by for each in suites if each.by is not None), None)
    files = "; ".join(dict.fromkeys(each.named.file for each in suites))
    return None if by is None else tables.about(by, "suite", files, "region")


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
        message = text("cli.suite_masked", model=model.id)
        raise Failure(message, text("cli.suite_masked_hint"), of_text=True)
    if folder is None:
        return await _scored(session, model, named, command, None, output)
    path = folder / f"{_safe(suite.name)}.{_safe(_short(model.id))}.jsonl"
    try:
        with SuiteStore(path, _key(named, model, command)) as store:
            found = await _scored(session, model, named, command, store, output)
        document = msgspec.json.encode(found.document).decode()
        whole_file.write(path.with_suffix(".json"), document + "\n")
    except OSError as error:
        raise unwritable(path, error) from error
    description = about([found])
    if description is not None:
        content = written(COLUMNS, found.rows(), "csv")
        tables.write_file(path.with_suffix(".csv"), content, description)
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
    document = SuiteDocument(
        suite=suite.name,
        model=model.id,
        items=items,
        accuracy=[
            share([item.predictions[number] for item in items])
            for number in range(len(suite.predictions))
        ],
        errors=errors,
    )
    return ScoredSuite(named, document, by)


async def _answers(
    session: Session,
    model: ModelInfo,
    suite: Suite,
    items: Sequence[Item],
    command: SuiteCommand,
    output: Output,
) -> AsyncIterator[ScoredBy | SuiteItem | str]:
    """What scores them; then each item when all its sentences are scored, or why it cannot be."""
    places = [(item, condition) for item in items for condition in item.conditions]
    request = ScoreTexts(
        model=model.id,
        texts=[item.conditions[condition].text for item, condition in places],
        method=command.method,
        precision=command.precision,
    )
    tokens: dict[ItemName, dict[str, list[TextToken]]] = {}
    failed: set[ItemName] = set()
    async for event in scores(session, request):
        if isinstance(event, ScoredBy):
            if event.method == "causal" and event.start is None:
                output.warn(text("cli.suite_no_start", model=model.id))
            yield event
            continue
        item, condition = places[event.index]
        if event.error is not None and item.name not in failed:
            failed.add(item.name)
            reason = worded(event.error.message, event.error.hint)
            yield text("suites.item", item=item.name, reason=reason)
        own = tokens.setdefault(item.name, {})
        own[condition] = event.tokens
        if len(own) == len(item.conditions) and item.name not in failed:
            yield _judged(suite, item, tokens.pop(item.name))


def _judged(suite: Suite, item: Item, tokens: dict[str, list[TextToken]]) -> SuiteItem:
    bits = {
        condition: sentence.surprisals(tokens[condition])
        for condition, sentence in item.conditions.items()
    }
    return SuiteItem(
        item=item.name,
        predictions=[item.holds(formula, bits) for formula in suite.predictions],
        regions=bits,
    )


def share(held: Sequence[bool | None]) -> float | None:
    """How often a prediction held, of the items that show it; None where none does."""
    known = [each for each in held if each is not None]
    return sum(known) / len(known) if known else None


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


def _short(model: str) -> str:
    """A model's name without the folder it is in."""
    kind, colon, file = model.rpartition(":")
    return f"{kind}{colon}{Path(file).name}"


def _safe(name: str) -> str:
    """A name as one of a file."""
    return re.sub(r"[^\w.+-]+", "_", name).strip(".") or "suite"

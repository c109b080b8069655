"""`tsuzuki fill` of every text in a column of a table: a row for each word at each mask."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from msgspec import structs

from engine.messages import Fill, FillResult, MaskFill, WordScore
from tui.analysis.heat import bits
from tui.export.table_files import About
from tui.files.tables import Cells, Value
from tui.headless.command import TableCommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.masking import masked
from tui.headless.io.output import Output
from tui.headless.io.request import own_models
from tui.headless.io.session import Session, run
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.forecast import Forecast

COLUMNS = ("mask", "list", "rank", "word", "probability", "surprisal_bits")
"""What is added to the columns that are there. Masks count from 1; `list` is what the word is
among: ``candidates``, the ``hidden`` word, the ``words`` asked for, ``whole`` words of several
pieces, or a joint method, whose `rank` counts fillings and whose figures are those of all masks."""


def execute(command: TableCommand, numbers: Sequence[int], request: Fill, output: Output) -> Exit:
    """Fill the texts of a table as `request` fills one; `numbers` are the words to hide in each.

    A text that cannot be filled has no figures, and makes the exit code 1.
    """
    file = command.file or ""
    table = tables.read(file)
    column = tables.column(table, file, command.column)
    rows = tables.good(table, file, output)

    async def work(session: Session) -> Exit:
        cells = (row.cells.get(column) for row in rows)
        written = [cell if isinstance(cell, str) else "" for cell in cells]
        await warn(session, output, request.model, *written)
        info = await session.find(request.model)
        failed = len(table.rows) - len(rows)
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        first: FillResult | None = None
        forecast = Forecast()
        for number, (row, given) in enumerate(zip(rows, written, strict=True), 1):
            try:
                if not given.strip():
                    raise Failure.usage(text("tables.no_text", columns=[column]))
                filled, hidden = masked(given, numbers)
                asked = structs.replace(request, text=filled, hidden=hidden)
                result = await session.ask(asked, FillResult)
            except Failure as failure:
                if not (failure.of_text or failure.code == Exit.USAGE):
                    raise
                failed += 1
                tables.complain(file, row, failure.message, output)
                found.append((row.cells, {}))
                continue
            first = first or result
            found += [(row.cells, figures) for figures in _rows(result)]
            output.status(text("cli.filling"), forecast.count(number, len(rows)))
        if first is not None:  # else no row has a text, and each is named
            description = About(
                command="fill",
                file=file,
                model=first.model,
                revision="" if info is None else info.revision,
                precision=first.precision,
                weights=first.weights,
                method=first.method,
                start=None,
                unit="mask",
            )
            tables.write(command, output, table.columns, COLUMNS, found, description)
        if failed:
            output.error(text("cli.texts_failed", count=failed, total=len(table.rows)))
        return Exit.FAILED if failed else Exit.DONE

    # A model that the settings do not name is listed because this command names it.
    return run(command, output, work, folders=own_models(request.model))


def _rows(result: FillResult) -> Iterator[dict[str, Value]]:
    for number, mask in enumerate(result.masks, 1):
        for kind, rank, word, logprob in _words(mask):
            yield _row(number, kind, rank, word, logprob)
    for joint in result.joint:
        for rank, filling in enumerate(joint.fillings, 1):
            for number, word in enumerate(filling.words, 1):
                yield _row(number, joint.method, rank, word, filling.logprob)


def _words(mask: MaskFill) -> Iterator[tuple[str, int | None, str, float | None]]:
    """All words at a mask: their list, rank, text and log-probability."""
    for rank, candidate in enumerate(mask.candidates, 1):
        yield "candidates", rank, candidate.text, _log(candidate.prob)
    if mask.hidden is not None:
        yield "hidden", mask.hidden.rank, mask.hidden.word, _log(mask.hidden.prob)
    lists: tuple[tuple[str, list[WordScore]], ...] = (("words", mask.words), ("whole", mask.whole))
    for kind, scored in lists:
        for word in scored:
            yield kind, word.rank, word.text, word.logprob


def _log(probability: float | None) -> float | None:
    return math.log(probability) if probability else None


def _row(
    mask: int, kind: str, rank: int | None, word: str, logprob: float | None
) -> dict[str, Value]:
    probability = surprisal = None
    if logprob is not None:
        probability, surprisal = math.exp(logprob), bits(-logprob)
    cells = (mask, kind, rank, word, probability, surprisal)
    return dict(zip(COLUMNS, cells, strict=True))

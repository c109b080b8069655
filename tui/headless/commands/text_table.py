"""`tsuzuki surprisal` and `pll` of every text in a column of a table."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from msgspec import structs

from engine.messages import PllMethod, PrecisionChoice, ScoredBy, ScoreTexts, TextScore
from tui.analysis.word_surprisal import Method
from tui.export.table_files import WordBoundary, about
from tui.export.text_figures import COLUMNS, NoBoundaries, ScoredText, Unit
from tui.files.tables import Cells, Row, Table, Value
from tui.headless.command import TableCommand
from tui.headless.io import compared_figures, tables, unigram_file
from tui.headless.io.advice import warn
from tui.headless.io.measures import Measures
from tui.headless.io.output import Output
from tui.headless.io.region_cells import NoText, Source
from tui.headless.io.session import Session, run
from tui.headless.io.text_scores import scores
from tui.strings import text, worded
from tui.suites.sentences import Sentence
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.forecast import Forecast


class ScoreTableCommand(TableCommand, frozen=True, kw_only=True):
    """A command that scores one text, or every text of a table."""

    unit: Unit | None = None
    regions: str | None = None
    measures: bool = False
    unigrams: str | None = None

    @property
    def asks_table(self) -> bool:
        own = (self.unit, self.regions, self.unigrams)
        return super().asks_table or self.measures or any(each is not None for each in own)


def add_table(parser: ArgumentParser) -> None:
    """Add what makes a command one on a table."""
    tables.add_column(parser)
    parser.add_argument("--regions", metavar="NAME,NAME", help=text("cli.option.regions"))
    parser.add_argument(
        "--unit", metavar="UNIT", choices=get_args(Unit), help=text("cli.option.unit")
    )
    parser.add_argument("--measures", action="store_true", help=text("cli.option.measures"))
    parser.add_argument(
        "--unigrams", metavar="FILE|wordfreq:LANG", help=text("cli.option.unigrams")
    )
    tables.add_outputs(parser)


def execute(
    command: ScoreTableCommand,
    name: str,
    model: str,
    precision: PrecisionChoice,
    method: Literal["causal"] | PllMethod,
    output: Output,
    *,
    start: bool = True,
    corrected: bool = False,
    against: str | None = None,
) -> Exit:
    """Score the texts of a table with a model, and another one `against` it, if there is one.

    `name` is that of the command. `corrected` counts the end of each word with it. A text that
    cannot be scored has no figures, and makes the exit code 1.
    """
    file = command.file or ""
    unit = command.unit or ("word" if command.regions is None else "region")
    if corrected and unit not in ("word", "sentence"):
        raise Failure.usage(text("cli.no_boundaries_of", unit=unit))
    if against is not None and (unit == "token" or command.measures or command.unigrams):
        raise Failure.usage(text("cli.against_in_table"))
    measures = _measures(command, unit, causal=method == "causal")
    table = tables.read(file)
    source = _source(command, unit, table, file)
    rows = tables.good(table, file, output)
    sentences, reasons = _sentences(rows, source)
    if (
        unit == "region"
        and sentences
        and not any(len(each.regions) > 1 for each in sentences.values())
    ):
        raise Failure.usage(text("cli.no_regions", file=file), text("cli.no_regions_hint"))
    boundary: WordBoundary | None = None
    if method == "causal" and unit in ("word", "sentence"):
        boundary = "trailing" if corrected else "leading"

    async def work(session: Session) -> Exit:
        numbers = list(sentences)
        written = [sentences[number].text for number in numbers]
        request = ScoreTexts(
            model=model,
            texts=written,
            method=method,
            start=start,
            after=corrected or command.measures,
            boundaries=corrected,
            precision=precision,
        )
        sides: list[tuple[ScoredBy | None, list[TextScore]]] = []
        for each in (model, *([] if against is None else [against])):
            await warn(session, output, each, *written)
            sides.append(await _answers(session, structs.replace(request, model=each), output))
        failed = len(table.rows) - len(rows)
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        methods: set[Method] = set()
        places = {number: place for place, number in enumerate(numbers)}
        for number, row in enumerate(rows):
            try:
                if number in reasons:
                    raise NoText(reasons[number])
                read, *other = (
                    _scored(sentences[number], source.names, answers[places[number]], corrected)
                    for _, answers in sides
                )
            except NoText as error:
                failed += 1
                tables.complain(file, row, str(error), output)
                found.append((row.cells, {}))
                continue
            methods.add(read.method)
            if other:
                found += [(row.cells, own) for own in compared_figures.rows(read, other[0], unit)]
                continue
            figures = zip(read.rows(unit), measures.rows(read, unit), strict=True)
            found += [(row.cells, {**own, **more}) for own, more in figures]
        by, second = sides[0][0], sides[-1][0] if against is not None else None
        if by is not None:  # else no row has a text, and each is named
            words = methods if unit in ("word", "sentence") else ()
            description = structs.replace(
                about(by, name, file, unit, words, boundary),
                unigrams=None if measures.unigrams is None else measures.unigrams.source,
                against=None if second is None else second.model,
                against_revision=None if second is None else second.revision,
            )
            columns = (*COLUMNS[unit], *measures.columns(unit))
            if against is not None:
                columns = compared_figures.columns(unit)
            tables.write(command, output, table.columns, columns, found, description)
        if failed:
            output.error(text("cli.texts_failed", count=failed, total=len(table.rows)))
        return Exit.FAILED if failed else Exit.DONE

    return run(command, output, work)


async def _answers(
    session: Session, request: ScoreTexts, output: Output
) -> tuple[ScoredBy | None, list[TextScore]]:
    """What scores the texts of a request, if there are any, and their scores in order."""
    by: ScoredBy | None = None
    found: dict[int, TextScore] = {}
    forecast = Forecast()
    async for event in scores(session, request):
        if isinstance(event, ScoredBy):
            by = event
            continue
        found[event.index] = event
        done = forecast.count(len(found), len(request.texts))
        output.status(text("cli.texts_scoring"), done)
    return by, [found[index] for index in range(len(request.texts))]


def _measures(command: ScoreTableCommand, unit: Unit, *, causal: bool) -> Measures:
    """What is asked for beside surprisal.

    Raises:
        Failure: it cannot be read, or not by this unit (exit code 2).
    """
    if command.unigrams is None:
        return Measures(command.measures, None, causal)
    if unit not in ("word", "sentence"):
        raise Failure.usage(text("cli.no_unigrams_of", unit=unit))
    return Measures(command.measures, unigram_file.read(command.unigrams), causal)


def _source(command: ScoreTableCommand, unit: Unit, table: Table, file: str) -> Source:
    if command.regions is None:
        return Source([tables.column(table, file, command.column)], False, unit == "region")
    if command.column is not None:
        raise Failure.usage(text("cli.column_or_regions"))
    names = [name.strip() for name in command.regions.split(",")]
    return Source([tables.column(table, file, name) for name in names], True, True)


def _sentences(rows: Sequence[Row], source: Source) -> tuple[dict[int, Sentence], dict[int, str]]:
    """The text of each row by its index, and why a row has none."""
    sentences: dict[int, Sentence] = {}
    reasons: dict[int, str] = {}
    for number, row in enumerate(rows):
        try:
            sentences[number] = source.read(row.cells)
        except NoText as error:
            reasons[number] = str(error)
    return sentences, reasons


def _scored(
    sentence: Sentence, names: Sequence[str | None], score: TextScore, corrected: bool
) -> ScoredText:
    """A text with its figures.

    Raises:
        NoText: it could not be scored, or its words have no spaces and their ends are asked for.
    """
    if score.error is not None:
        raise NoText(worded(score.error.message, score.error.hint))
    try:
        names = names or [None] * len(sentence.regions)
        return ScoredText.of(sentence, names, score, corrected=corrected)
    except NoBoundaries:
        raise NoText(text("cli.no_boundaries")) from None

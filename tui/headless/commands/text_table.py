"""`tsuzuki surprisal` and `pll` of every text in a column of a table."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Literal, get_args

from msgspec import Struct, structs

from engine.messages import PllMethod, PrecisionChoice, ScoredBy, ScoreTexts, TextScore
from tui.analysis.unigrams import Unigrams
from tui.analysis.word_surprisal import Method
from tui.export.table_files import About, WordBoundary, about
from tui.export.text_figures import COLUMNS, NoBoundaries, ScoredText, Unit
from tui.files.tables import Cells, Row, Table, Value
from tui.headless.command import ShardedCommand
from tui.headless.io import compared_figures, tables, unigram_file
from tui.headless.io.measures import Measures
from tui.headless.io.output import Output
from tui.headless.io.region_cells import NoText, Source
from tui.headless.io.session import Session
from tui.headless.options import add_shards
from tui.headless.shards import table as scored_table
from tui.headless.shards.judging import ScoredRows
from tui.headless.shards.rows import keeping
from tui.strings import text, worded
from tui.suites.sentences import Sentence
from tui.terminal.exit_codes import Exit, Failure


class ScoreTableCommand(ShardedCommand, frozen=True, kw_only=True):
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
    add_shards(parser)


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
    unigrams = _unigrams(command, unit)
    table = tables.read(file, keeping(command.out))
    judge = TextJudge(
        command=name,
        file=file,
        columns=_columns(command, table, file),
        regions=command.regions is not None,
        unit=unit,
        model=model,
        against=against,
        precision=precision,
        method=method,
        start=start,
        corrected=corrected,
        measures=command.measures,
        unigrams=unigrams,
    )
    if unit == "region" and judge.regions_of(table.rows) == {1}:
        raise Failure.usage(text("cli.no_regions", file=file), text("cli.no_regions_hint"))
    return scored_table.execute(command, name, judge, table, text("cli.texts_scoring"), output)


class TextJudge(Struct, frozen=True, kw_only=True):
    """Scores the texts of a table under a model, and another one `against` it, if there is one."""

    command: str
    file: str
    columns: list[str]
    """The column of the text, or those of its regions."""
    regions: bool
    """Whether the columns are those of its regions."""
    unit: Unit
    model: str
    against: str | None
    precision: PrecisionChoice
    method: Literal["causal"] | PllMethod
    start: bool
    corrected: bool
    """Whether the end of each word is counted with it."""
    measures: bool
    unigrams: Unigrams | None

    @property
    def models(self) -> list[str]:
        """The one or two models."""
        return [self.model, *([] if self.against is None else [self.against])]

    @property
    def _source(self) -> Source:
        return Source(self.columns, self.regions, self.regions or self.unit == "region")

    def sentences(self, rows: Sequence[Row]) -> dict[int, Sentence]:
        """The text of each row that has one, by its index."""
        return {index: each for index, each in self._read(rows) if isinstance(each, Sentence)}

    def regions_of(self, rows: Sequence[Row]) -> set[int]:
        """All numbers of regions that the texts of rows have."""
        found = (each for _, each in self._read(rows) if isinstance(each, Sentence))
        return {len(each.regions) for each in found}

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """The texts of the rows that have one."""
        return [each.text for each in self.sentences(rows).values()]

    def _read(self, rows: Sequence[Row]) -> Iterator[tuple[int, Sentence | NoText]]:
        """The text of each row that could be read, or why it has none."""
        source = self._source
        for index, row in enumerate(rows):
            if row.reason:
                continue
            try:
                yield index, source.read(row.cells)
            except NoText as error:
                yield index, error

    async def score(
        self, session: Session, rows: Sequence[Row], progress: Callable[[int], None]
    ) -> ScoredRows:
        """Score a block of rows.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        sentences = self.sentences(rows)
        sides = [
            await self._answers(session, model, list(sentences.values()), progress)
            for model in self.models
        ]
        measures = Measures(self.measures, self.unigrams, self.method == "causal")
        failed = [(row.line, row.reason) for row in rows if row.reason]
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        methods: set[Method] = set()
        places = {index: place for place, index in enumerate(sentences)}
        for index, sentence in self._read(rows):
            row = rows[index]
            try:
                if isinstance(sentence, NoText):
                    raise sentence
                read, *other = (
                    _scored(sentence, self._source.names, answers[places[index]], self.corrected)
                    for _, answers in sides
                )
            except NoText as error:
                failed.append((row.line, str(error)))
                found.append((row.cells, {}))
                continue
            methods.add(read.method)
            if other:
                compared = compared_figures.rows(read, other[0], self.unit)
                found += [(row.cells, own) for own in compared]
                continue
            figures = zip(read.rows(self.unit), measures.rows(read, self.unit), strict=True)
            found += [(row.cells, {**own, **more}) for own, more in figures]
        columns = (*COLUMNS[self.unit], *measures.columns(self.unit))
        if self.against is not None:
            columns = compared_figures.columns(self.unit)
        return ScoredRows(
            about=self._about([by for by, _ in sides], methods),
            columns=list(columns),
            rows=found,
            failed=sorted(failed),
        )

    async def _answers(
        self,
        session: Session,
        model: str,
        sentences: Sequence[Sentence],
        progress: Callable[[int], None],
    ) -> tuple[ScoredBy | None, list[TextScore]]:
        """What scores the texts, if there are any, and their scores in order."""
        if not sentences:
            return None, []
        request = ScoreTexts(
            model=model,
            texts=[each.text for each in sentences],
            method=self.method,
            start=self.start,
            after=self.corrected or self.measures,
            boundaries=self.corrected,
            precision=self.precision,
        )
        by: ScoredBy | None = None
        found: dict[int, TextScore] = {}
        async for event in session.events(request):
            if isinstance(event, ScoredBy):
                by = event
            elif isinstance(event, TextScore):
                found[event.index] = event
                progress(len(found))
        return by, [found[index] for index in range(len(sentences))]

    def _about(self, sides: Sequence[ScoredBy | None], methods: set[Method]) -> About | None:
        by, other = sides[0], sides[-1] if self.against is not None else None
        if by is None:
            return None
        worded = self.unit in ("word", "sentence")
        boundary: WordBoundary | None = None
        if self.method == "causal" and worded:
            boundary = "trailing" if self.corrected else "leading"
        return structs.replace(
            about(by, self.command, self.file, self.unit, methods if worded else (), boundary),
            unigrams=None if self.unigrams is None else self.unigrams.source,
            against=None if other is None else other.model,
            against_revision=None if other is None else other.revision,
        )


def _unigrams(command: ScoreTableCommand, unit: Unit) -> Unigrams | None:
    """The frequencies of words, where they are asked for.

    Raises:
        Failure: they cannot be read, or not by this unit (exit code 2).
    """
    if command.unigrams is None:
        return None
    if unit not in ("word", "sentence"):
        raise Failure.usage(text("cli.no_unigrams_of", unit=unit))
    return unigram_file.read(command.unigrams)


def _columns(command: ScoreTableCommand, table: Table, file: str) -> list[str]:
    """The column of the text, or those of its regions."""
    if command.regions is None:
        return [tables.column(table, file, command.column)]
    if command.column is not None:
        raise Failure.usage(text("cli.column_or_regions"))
    return [tables.column(table, file, name.strip()) for name in command.regions.split(",")]


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

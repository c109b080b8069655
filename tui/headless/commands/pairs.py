"""`tsuzuki pairs`: of two sentences, which one a model finds likelier."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

from msgspec import Struct

from engine.messages import PllMethod, PrecisionChoice, ScoredBy, ScoreTexts, TextScore
from tui.analysis.minimal_pairs import Scored, differences
from tui.export import pair_figures
from tui.export.table_files import about
from tui.files.tables import Cells, Value
from tui.headless.command import Subcommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pair_file import COMMON, Pair, Row, add_columns, hint, read_table
from tui.headless.io.request import own_models, pane_model
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_pll_method, add_precision, add_shards
from tui.headless.schemas.pair_error import PairErrorDocument
from tui.headless.schemas.pairs import PairsDocument, PairsRow
from tui.headless.shards.judging import BLOCK, ScoredRows
from tui.headless.shards.rows import keeping
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.forecast import Forecast

NAMES = (("good", "bad"), ("sentence_good", "sentence_bad"), *COMMON)
"""What the sentences are called in an object or a header; the second way is that of BLiMP."""


class PairsCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki pairs`; `method` is for a masked model."""

    word: str | None = None
    file: str | None = None
    model: str | None = None
    precision: PrecisionChoice = "exact"
    method: PllMethod | None = None
    columns: list[str]
    csv: str | None = None
    tsv: str | None = None
    out: str | None = None
    shard_rows: int | None = None
    workers: int | None = None
    threads: int | None = None
    on: list[str]

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        ways = parser.add_mutually_exclusive_group(required=True)
        ways.add_argument("word", metavar="FILE", nargs="?", help=text("cli.option.minimal_pairs"))
        ways.add_argument("--file", metavar="FILE", help=text("cli.option.file_as_others"))
        add_model(parser, "fill")
        add_precision(parser)
        add_pll_method(parser)
        add_columns(parser)
        tables.add_outputs(parser)
        add_shards(parser)

    def execute(self, output: Output) -> Exit:
        file = self.word or self.file or ""
        kept, rows = read_table(file, NAMES, self.columns, output, keeping(self.out))
        name = pane_model(self, self.model, "fill")
        judge = PairJudge(
            file=file,
            columns=self.columns,
            model=name,
            precision=self.precision,
            method=self.method,
        )
        if self.out is not None:
            from tui.headless.shards.run import execute as in_shards  # imports asyncio

            return in_shards(self, "pairs", file, judge, kept, rows, output)

        async def work(session: Session) -> Exit:
            await judge.check(session)
            await warn(session, output, name, *judge.texts(rows))
            results = _Results(rows, self, file, output)
            for first in range(0, len(rows), BLOCK):
                async for event in judge.scores(session, rows[first : first + BLOCK]):
                    if isinstance(event, ScoredBy):
                        results.by = event
                    else:
                        index, side, score = event
                        results.add(first + index, side, score)
            return results.finish(kept)

        # A model that the settings do not name is listed because this command names it.
        return run(self, output, work, folders=own_models(name))


class PairJudge(Struct, frozen=True, kw_only=True):
    """Scores both sentences of pairs."""

    file: str
    columns: list[str]
    """Those of the two sentences, where they are named."""
    model: str
    precision: PrecisionChoice
    method: PllMethod | None

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """The sentences of all pairs."""
        return [side for row in rows for side in row.pair or ()]

    async def check(self, session: Session) -> None:
        """See whether the model is there and scores in the way that is asked for.

        Raises:
            Failure: it does not.
        """
        model = await session.find(self.model)
        if model is None:
            raise Failure.usage(text("cli.no_model", model=self.model), text("cli.no_model_hint"))
        if "causal" in model.heads and self.method is not None:
            raise Failure.usage(text("cli.method_masked", model=model.id))

    async def scores(
        self, session: Session, rows: Sequence[Row]
    ) -> AsyncIterator[ScoredBy | tuple[int, int, TextScore]]:
        """The scores of a block of rows: the index of the row, the side of its pair, the score.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        good = [index for index, row in enumerate(rows) if row.pair is not None]
        if not good:
            return
        request = ScoreTexts(
            model=self.model, texts=self.texts(rows), method=self.method, precision=self.precision
        )
        async for event in session.events(request):
            if isinstance(event, ScoredBy):
                yield event
            elif isinstance(event, TextScore):
                yield good[event.index // 2], event.index % 2, event

    async def score(
        self, session: Session, rows: Sequence[Row], progress: Callable[[int], None]
    ) -> ScoredRows:
        """Score a block of rows.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        await self.check(session)
        by: ScoredBy | None = None
        sides: dict[int, dict[int, TextScore]] = {}
        done = 0
        async for event in self.scores(session, rows):
            if isinstance(event, ScoredBy):
                by = event
                continue
            index, side, score = event
            sides.setdefault(index, {})[side] = score
            done += len(sides[index]) == 2
            progress(done)
        judged = [_judged(row, index, sides.get(index, {})) for index, row in enumerate(rows)]
        return ScoredRows(
            about=None if by is None else about(by, "pairs", self.file, "pair"),
            columns=list(pair_figures.PAIR_COLUMNS),
            rows=list(_cells(rows, judged)),
            failed=[
                (each.line, " ".join(filter(None, (each.error, each.hint))))
                for each in judged
                if isinstance(each, PairErrorDocument)
            ],
        )


class _Results:
    """The results of all rows, each printed when those before it are."""

    def __init__(
        self, rows: Sequence[Row], command: PairsCommand, file: str, output: Output
    ) -> None:
        self.by: ScoredBy | None = None
        self._rows = rows
        self._file = file
        self._command = command
        self._output = output
        self._sides: dict[int, dict[int, TextScore]] = {}
        self._found: list[PairsRow | PairErrorDocument] = []
        self._scored = 0
        self._forecast = Forecast()

    def add(self, index: int, side: int, score: TextScore) -> None:
        """Add the score of one side of a row."""
        self._sides.setdefault(index, {})[side] = score
        self._scored += len(self._sides[index]) == 2
        done = self._forecast.count(self._scored, len(self._rows))
        self._output.status(text("cli.scoring"), done)
        self._print()

    def finish(self, kept: Sequence[str]) -> Exit:
        """Write the whole, with the columns of the file that are kept in a table."""
        self._print()
        command, output = self._command, self._output
        scored = [each for each in self._found if isinstance(each, PairsRow)]
        failed = [each for each in self._found if isinstance(each, PairErrorDocument)]
        assert self.by is not None, "it answers first"
        document = PairsDocument(
            model=self.by.model,
            method=self.by.method,
            accuracy=sum(row.correct for row in scored) / len(scored) if scored else None,
            rows=scored,
            errors=failed,
        )
        if tables.to_file(command):
            self._write(kept, self.by)
        elif command.json:
            output.document(document)
        elif document.accuracy is not None:
            output.line(text("cli.accuracy", share=f"{document.accuracy:.1%}", count=len(scored)))
        if failed:
            output.error(text("cli.pairs_failed", count=len(failed), total=len(self._rows)))
        return Exit.FAILED if failed else Exit.DONE

    def _print(self) -> None:
        """Print the rows that are next and known."""
        while len(self._found) < len(self._rows):
            index = len(self._found)
            row, sides = self._rows[index], self._sides.get(index, {})
            if row.pair is not None and len(sides) < 2:
                return
            found = _judged(row, index, sides)
            self._found.append(found)
            if tables.to_file(self._command):
                if isinstance(found, PairErrorDocument):
                    self._output.error(f"{self._file}: {found.error}")
            elif not self._command.json:
                self._output.line(f"{index + 1}  {_line(found)}")

    def _write(self, kept: Sequence[str], by: ScoredBy) -> None:
        rows = _cells(self._rows, self._found)
        description = about(by, "pairs", self._file, "pair")
        tables.write(
            self._command, self._output, kept, pair_figures.PAIR_COLUMNS, rows, description
        )


def _cells(
    rows: Sequence[Row], found: Sequence[PairsRow | PairErrorDocument]
) -> Iterator[tuple[Cells, dict[str, Value]]]:
    """The cells of each row that has some, and its figures."""
    for row, each in zip(rows, found, strict=True):
        if row.cells:
            if isinstance(each, PairsRow):
                yield row.cells, pair_figures.pair(each.good_logprob, each.bad_logprob)
            else:
                yield row.cells, {}


def _judged(row: Row, index: int, sides: dict[int, TextScore]) -> PairsRow | PairErrorDocument:
    """The scores of a row, or why there are none."""
    if row.pair is None:
        return PairErrorDocument(index=index, line=row.line, error=row.complaint, hint=hint(NAMES))
    for side in (0, 1):
        error = sides[side].error
        if error is not None:
            message = text("cli.pair_failed", line=row.line, reason=worded(error.message))
            hinted = worded(error.hint)
            return PairErrorDocument(index=index, line=row.line, error=message, hint=hinted)
    good, bad = (_tokens(sides[side]) for side in (0, 1))
    return _compared(row.pair, good, bad)


def _tokens(score: TextScore) -> list[Scored]:
    return [(token.text, token.logprob) for token in score.tokens if token.logprob is not None]


def _compared(pair: Pair, good: Sequence[Scored], bad: Sequence[Scored]) -> PairsRow:
    difference = _total(good) - _total(bad)
    return PairsRow(
        good=pair[0],
        bad=pair[1],
        good_logprob=_total(good),
        bad_logprob=_total(bad),
        difference=difference,
        correct=difference > 0,
        tokens=differences(good, bad),
    )


def _line(found: PairsRow | PairErrorDocument) -> str:
    if isinstance(found, PairErrorDocument):
        return found.error
    verdict = text("cli.good_likelier" if found.correct else "cli.bad_likelier")
    return f"{found.difference:+.4f}  {verdict}  {found.good}"


def _total(tokens: Sequence[Scored]) -> float:
    return sum(score for _, score in tokens)

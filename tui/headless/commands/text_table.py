"""`tsuzuki surprisal` and `pll` of every text in a column of a table."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

from msgspec import Struct

from engine.messages import (
    PllMethod,
    PrecisionChoice,
    ScoredBy,
    ScoreTexts,
    TextScore,
    TextToken,
    Token,
)
from tui.analysis.heat import bits
from tui.analysis.word_surprisal import Method, Word, segment, words
from tui.files.tables import Cells, Row, Value
from tui.headless.command import TableCommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.narration import Forecast
from tui.headless.io.output import Output
from tui.headless.io.session import Session, run
from tui.headless.options import add_shards
from tui.headless.shards.judging import ScoredRows, score
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit

Unit = Literal["token", "word", "sentence"]

COLUMNS: dict[Unit, tuple[str, ...]] = {
    "token": ("position", "token", "surprisal_bits", "rank", "entropy_bits"),
    "word": ("position", "word", "surprisal_bits", "tokens", "punctuation"),
    "sentence": ("surprisal_bits", "tokens", "bits_per_token", "words", "bits_per_word"),
}
"""What is added to the columns that are there. Positions count from 1; tokens of a sentence, and
its words, are those that were scored."""


class ScoreTableCommand(TableCommand, frozen=True, kw_only=True):
    """A command that scores one text, or every text of a table."""

    unit: Unit | None = None

    @property
    def asks_table(self) -> bool:
        return super().asks_table or self.unit is not None


def add_table(parser: ArgumentParser) -> None:
    """Add what makes a command one on a table."""
    tables.add_column(parser)
    parser.add_argument(
        "--unit", metavar="UNIT", choices=get_args(Unit), help=text("cli.option.unit")
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
) -> Exit:
    """Score the texts of a table with a model; `name` is that of the command.

    A text that cannot be scored has no figures, and makes the exit code 1.
    """
    file = command.file or ""
    table = tables.read(file)
    judge = TextJudge(
        command=name,
        file=file,
        column=tables.column(table, file, command.column),
        model=model,
        precision=precision,
        method=method,
        start=start,
        unit=command.unit or "word",
    )
    if command.out is not None:
        from tui.headless.shards.run import execute as in_shards  # imports asyncio

        return in_shards(command, name, file, judge, table.columns, table.rows, output)

    async def work(session: Session) -> Exit:
        await warn(session, output, model, *judge.texts(table.rows))
        forecast = Forecast()

        def progress(done: int) -> None:
            output.status(text("cli.texts_scoring"), forecast.count(done, len(table.rows)))

        scored = await score(judge, session, table.rows, progress)
        for line, reason in scored.failed:
            tables.complain(file, line, reason, output)
        if scored.about is not None:  # else no row has cells, and each is named
            tables.write(command, output, table.columns, scored.columns, scored.rows, scored.about)
        if scored.failed:
            count = len(scored.failed)
            output.error(text("cli.texts_failed", count=count, total=len(table.rows)))
        return Exit.FAILED if scored.failed or scored.about is None else Exit.DONE

    return run(command, output, work)


class TextJudge(Struct, frozen=True, kw_only=True):
    """Scores the texts of a column."""

    command: str
    file: str
    column: str
    model: str
    precision: PrecisionChoice
    method: Literal["causal"] | PllMethod
    start: bool
    unit: Unit

    def texts(self, rows: Sequence[Row]) -> list[str]:
        """The texts of rows; a row that has none has an empty one."""
        cells = (row.cells.get(self.column) for row in rows)
        return [cell if isinstance(cell, str) else "" for cell in cells]

    async def score(
        self, session: Session, rows: Sequence[Row], progress: Callable[[int], None]
    ) -> ScoredRows:
        """Score a block of rows.

        Raises:
            Failure: the engine cannot, or is gone.
        """
        good = [row for row in rows if not row.reason]
        written = self.texts(good)
        request = ScoreTexts(
            model=self.model,
            texts=written,
            method=self.method,
            start=self.start,
            precision=self.precision,
        )
        scores: dict[int, TextScore] = {}
        by: ScoredBy | None = None
        if good:
            async for event in session.events(request):
                if isinstance(event, ScoredBy):
                    by = event
                elif isinstance(event, TextScore):
                    scores[event.index] = event
                    progress(len(scores))
        failed = [(row.line, row.reason) for row in rows if row.reason]
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        methods: set[Method] = set()
        for number, row in enumerate(good):
            answer = scores[number]
            if answer.error is not None:
                failed.append((row.line, worded(answer.error.message, answer.error.hint)))
                found.append((row.cells, {}))
                continue
            read = _Read.of(written[number], answer.tokens)
            methods.add(read.method)
            found += [(row.cells, figures) for figures in read.figures(self.unit)]
        words = () if self.unit == "token" else methods
        return ScoredRows(
            about=None
            if by is None
            else tables.about(by, self.command, self.file, self.unit, words),
            columns=list(COLUMNS[self.unit]),
            rows=found,
            failed=sorted(failed),
        )


@dataclass(frozen=True)
class _Read:
    """A text that was scored, cut into words."""

    tokens: list[TextToken]
    words: list[Word]
    method: Method

    @classmethod
    def of(cls, written: str, tokens: list[TextToken]) -> _Read:
        """Cut the text of these tokens, of which the first may have no figures."""
        method, segments = segment(written)
        counted = [
            Token(
                branch=0,
                id=token.id,
                text=part,
                logprob=token.logprob or 0.0,
                sampled_logprob=0.0,
                rank=1,
                entropy=0.0,
            )
            for token, part in zip(tokens, _parts(written, tokens), strict=True)
        ]
        return cls(tokens, words(counted, segments), method)

    def figures(self, unit: Unit) -> Iterator[dict[str, Value]]:
        """The new cells of the text's rows."""
        match unit:
            case "token":
                for position, token in enumerate(self.tokens, 1):
                    yield {
                        "position": position,
                        "token": token.text,
                        "surprisal_bits": _surprisal(token),
                        "rank": token.rank,
                        "entropy_bits": None if token.entropy is None else bits(token.entropy),
                    }
            case "word":
                shown = [word for word in self.words if word.text.strip()]
                for position, word in enumerate(shown, 1):
                    yield {
                        "position": position,
                        "word": word.text.strip(),
                        "surprisal_bits": self._bits(word),
                        "tokens": len(word.tokens),
                        "punctuation": word.punctuation,
                    }
            case "sentence":
                known = [each for each in map(_surprisal, self.tokens) if each is not None]
                whole = [self._bits(word) for word in self.words if not word.punctuation]
                counted = [each for each in whole if each is not None]
                yield {
                    "surprisal_bits": math.fsum(known) if known else None,
                    "tokens": len(known),
                    "bits_per_token": math.fsum(known) / len(known) if known else None,
                    "words": len(counted),
                    "bits_per_word": math.fsum(counted) / len(counted) if counted else None,
                }

    def _bits(self, word: Word) -> float | None:
        """A word's surprisal; None where one of its tokens has none."""
        found = [_surprisal(self.tokens[number]) for number in word.tokens]
        known = [each for each in found if each is not None]
        return math.fsum(known) if len(known) == len(found) else None


def _surprisal(token: TextToken) -> float | None:
    return None if token.logprob is None else bits(-token.logprob)


def _parts(written: str, tokens: list[TextToken]) -> list[str]:
    """The text of each token, which joined are the whole text.

    A character of several tokens is the last one's, as in a text that is continued.
    """
    inner = [
        after.start if after.start < token.end else token.end for token, after in pairwise(tokens)
    ]
    cuts = [0, *inner, len(written)]
    return [written[start:end] for start, end in pairwise(cuts)]

"""`tsuzuki surprisal` and `pll` of every text in a column of a table."""

from __future__ import annotations

import math
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, get_args

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
from tui.files.tables import Cells, Value
from tui.headless.command import TextCommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.narration import Forecast
from tui.headless.io.output import Output
from tui.headless.io.session import Session, run
from tui.headless.io.text_scores import scores
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit, Failure

Unit = Literal["token", "word", "sentence"]

COLUMNS: dict[Unit, tuple[str, ...]] = {
    "token": ("position", "token", "surprisal_bits", "rank", "entropy_bits"),
    "word": ("position", "word", "surprisal_bits", "tokens", "punctuation"),
    "sentence": ("surprisal_bits", "tokens", "bits_per_token", "words", "bits_per_word"),
}
"""What is added to the columns that are there. Positions count from 1; tokens of a sentence, and
its words, are those that were scored."""


class TableCommand(TextCommand, frozen=True, kw_only=True):
    """A command on one text, or on every text in a column of a table."""

    column: str | None = None
    unit: Unit | None = None
    csv: str | None = None
    tsv: str | None = None

    @property
    def tabular(self) -> bool:
        """Whether FILE is a table.

        Raises:
            Failure: something is asked for that only a table has, or a table for a text that is
                in no file (exit code 2).
        """
        asked = [self.column, self.unit, self.csv, self.tsv]
        if not any(each is not None for each in asked):
            return False
        if self.file is None:
            raise Failure.usage(text("cli.table_of_file"))
        return True


def add_table(parser: ArgumentParser) -> None:
    """Add what makes a command one on a table."""
    parser.add_argument("--column", metavar="NAME", help=text("cli.option.column"))
    parser.add_argument(
        "--unit", metavar="UNIT", choices=get_args(Unit), help=text("cli.option.unit")
    )
    tables.add_outputs(parser)


def execute(
    command: TableCommand,
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
    column = tables.column(table, file, command.column)
    rows = tables.good(table, file, output)
    unit = command.unit or "word"

    async def work(session: Session) -> Exit:
        cells = (row.cells.get(column) for row in rows)
        written = [cell if isinstance(cell, str) else "" for cell in cells]
        await warn(session, output, model, *written)
        answers: dict[int, TextScore] = {}
        by: ScoredBy | None = None
        forecast = Forecast()
        request = ScoreTexts(
            model=model, texts=written, method=method, start=start, precision=precision
        )
        async for event in scores(session, request):
            if isinstance(event, ScoredBy):
                by = event
                continue
            answers[event.index] = event
            done = forecast.count(len(answers), len(written))
            output.status(text("cli.texts_scoring"), done)
        if by is None:
            return Exit.FAILED  # no row has cells, and each is named
        failed = len(table.rows) - len(rows)
        found: list[tuple[Cells, Mapping[str, Value]]] = []
        methods: set[Method] = set()
        for number, row in enumerate(rows):
            score = answers[number]
            if score.error is not None:
                failed += 1
                reason = worded(score.error.message, score.error.hint)
                output.error(f"{file}: {text('tables.row', line=row.line, reason=reason)}")
                found.append((row.cells, {}))
                continue
            read = _Read.of(written[number], score.tokens)
            methods.add(read.method)
            found += [(row.cells, figures) for figures in read.figures(unit)]
        description = tables.about(by, name, file, unit, () if unit == "token" else methods)
        tables.write(command, output, table.columns, COLUMNS[unit], found, description)
        if failed:
            output.error(text("cli.texts_failed", count=failed, total=len(table.rows)))
        return Exit.FAILED if failed else Exit.DONE

    return run(command, output, work)


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

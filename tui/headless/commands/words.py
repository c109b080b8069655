"""`tsuzuki words`: how likely words are at every place of a text."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from rich.cells import cell_len

from engine.messages import (
    PrecisionChoice,
    Progress,
    ScoredBy,
    TextToken,
    TrackedText,
    TrackedWord,
    TrackWords,
)
from tui.analysis import tracks
from tui.export.table_files import about
from tui.files.tables import Cells, Value
from tui.headless.command import TableCommand
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.request import pane_model, read_given, validated
from tui.headless.io.session import Session, run
from tui.headless.io.word_list import read_words
from tui.headless.options import add_model, add_precision, add_text
from tui.strings import text, worded
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.forecast import Forecast
from tui.terminal.units import chance

AT_ONCE = 1000
"""Texts of one request."""


class WordAtPlace(Struct, frozen=True, kw_only=True):
    """A word at a place: its log-probability in nats, and its rank among single pieces."""

    word: str
    logprob: float | None
    rank: int | None


class WordPlace(Struct, frozen=True, kw_only=True):
    """A place of a text: that of a token, or the one after the last, which has none."""

    id: int | None
    token: str | None
    start: int | None
    end: int | None
    words: list[WordAtPlace]
    difference_bits: float | None
    """By how much the first of two words is likelier."""


class WordsDocument(Struct, frozen=True, kw_only=True):
    """`tsuzuki words --json`."""

    model: str
    revision: str
    precision: str
    weights: str
    method: str
    bos: str | None
    words: dict[str, list[int]]
    """Each word, and its pieces at the last place."""
    windows: int
    places: list[WordPlace]


class WordsCommand(TableCommand, frozen=True, kw_only=True):
    """`tsuzuki words`, on a text or on every text in a column of a table."""

    words: str
    model: str | None = None
    precision: PrecisionChoice = "exact"
    no_start: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        add_text(parser)
        parser.add_argument(
            "--words", metavar="W,W|FILE", required=True, help=text("cli.option.tracked_words")
        )
        add_model(parser, "continue")
        add_precision(parser)
        parser.add_argument("--no-start", action="store_true", help=text("cli.option.no_start"))
        tables.add_column(parser)
        tables.add_outputs(parser)

    def execute(self, output: Output) -> Exit:
        words = read_words(self.words)
        if self.tabular:
            return self._table(words, self.file or "", output)
        request = self._request([read_given(self)], words)

        async def work(session: Session) -> Exit:
            await warn(session, output, request.model, *map(str, request.texts))
            by: ScoredBy | None = None
            found: TrackedText | None = None
            async for event in session.events(request):
                match event:
                    case ScoredBy():
                        by = event
                    case TrackedText():
                        found = event
                    case Progress():
                        output.status(text("cli.tracking"), f"{event.done}/{event.total}")
            if by is None or found is None:
                raise Failure(text("cli.no_answer"))
            if found.error is not None:
                raise Failure.from_error(found.error)
            if self.json:
                output.document(_document(by, found))
            else:
                for line in _lines(found):
                    output.line(line)
            return Exit.DONE

        return run(self, output, work)

    def _request(self, texts: Sequence[str], words: Sequence[str]) -> TrackWords:
        fields: dict[str, object] = {
            "model": pane_model(self, self.model, "continue"),
            "texts": list(texts),
            "words": list(words),
            "start": not self.no_start,
            "precision": self.precision,
        }
        return validated(TrackWords, fields)

    def _table(self, words: Sequence[str], file: str, output: Output) -> Exit:
        """Write the rows of every text in a column; one that cannot be read has none."""
        table = tables.read(file)
        column = tables.column(table, file, self.column)
        rows = [row for row in table.rows if not row.reason]
        for row in table.rows:
            if row.reason:
                tables.complain(file, row.line, row.reason, output)
        cells = (row.cells.get(column) for row in rows)
        texts = [cell if isinstance(cell, str) else "" for cell in cells]

        async def work(session: Session) -> Exit:
            answers: dict[int, TrackedText] = {}
            by: ScoredBy | None = None
            forecast = Forecast()
            for first in range(0, len(texts), AT_ONCE):
                request = self._request(texts[first : first + AT_ONCE], words)
                if not first:
                    await warn(session, output, request.model, *texts)
                async for event in session.events(request):
                    if isinstance(event, ScoredBy):
                        by = event
                    elif isinstance(event, TrackedText):
                        answers[first + event.index] = event
                        done = forecast.count(len(answers), len(texts))
                        output.status(text("cli.tracking"), done)
            if by is None:
                return Exit.FAILED  # no row has cells, and each is named
            failed = len(table.rows) - len(rows)
            found: list[tuple[Cells, Mapping[str, Value]]] = []
            for number, row in enumerate(rows):
                answer = answers[number]
                if answer.error is not None:
                    failed += 1
                    reason = worded(answer.error.message, answer.error.hint)
                    tables.complain(file, row.line, reason, output)
                    found.append((row.cells, {}))
                    continue
                own = tracks.rows(answer.tokens, answer.words)
                found += [(row.cells, figures) for figures in own]
            description = about(by, "words", file, "place")
            tables.write(self, output, table.columns, tracks.COLUMNS, found, description)
            if failed:
                output.error(text("cli.texts_failed", count=failed, total=len(table.rows)))
            return Exit.FAILED if failed else Exit.DONE

        return run(self, output, work)


def _document(by: ScoredBy, found: TrackedText) -> WordsDocument:
    places = range(len(found.words[0].logprobs))
    return WordsDocument(
        model=by.model,
        revision=by.revision,
        precision=by.precision,
        weights=by.weights,
        method=by.method,
        bos=by.start,
        words={word.word: word.ids for word in found.words},
        windows=found.windows,
        places=[_place(found, number) for number in places],
    )


def _place(found: TrackedText, number: int) -> WordPlace:
    token = found.tokens[number] if number < len(found.tokens) else None
    return WordPlace(
        id=None if token is None else token.id,
        token=None if token is None else token.text,
        start=None if token is None else token.start,
        end=None if token is None else token.end,
        words=[
            WordAtPlace(word=word.word, logprob=word.logprobs[number], rank=word.ranks[number])
            for word in found.words
        ],
        difference_bits=tracks.difference(found.words, number),
    )


def _lines(found: TrackedText) -> Iterator[str]:
    """A line for each place: every word's probability and rank, then the token that is there."""
    widths = [max(17, cell_len(word.word)) for word in found.words]
    heads = [
        f"{' ' * (width - cell_len(word.word))}{word.word}"
        for word, width in zip(found.words, widths, strict=True)
    ]
    two = [text("cli.tracked_difference")] if len(found.words) == 2 else []
    yield "  ".join([*heads, *(f"{each:>10}" for each in two), text("cli.tracked_token")])
    for number in range(len(found.words[0].logprobs)):
        cells = [
            _cell(word, number).rjust(width)
            for word, width in zip(found.words, widths, strict=True)
        ]
        bits = tracks.difference(found.words, number)
        own = [("–" if bits is None else f"{bits:+.2f}").rjust(10)] if two else []
        yield "  ".join([*cells, *own, _token(found.tokens[number : number + 1])])


def _cell(word: TrackedWord, number: int) -> str:
    """A probability and a rank."""
    logprob, rank = word.logprobs[number], word.ranks[number]
    return "–" if logprob is None else f"{chance(logprob)} {f'#{rank}':>8}"


def _token(there: Sequence[TextToken]) -> str:
    return repr(there[0].text) if there else text("cli.tracked_end")

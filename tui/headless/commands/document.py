"""`tsuzuki document`: how each sentence of a text goes on from the one before."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import aclosing
from typing import get_args

import msgspec
from msgspec import structs

from engine.messages import (
    Arranged,
    Document,
    DocumentResult,
    MatrixCells,
    PrecisionChoice,
    Progress,
    WitnessName,
)
from tui.cards import DocumentCard
from tui.headless.command import Subcommand
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.request import given, pane_model, read_file, validated
from tui.headless.io.session import Session, run
from tui.headless.options import add_model, add_number, add_precision
from tui.headless.schemas.document import CoherenceDocument, GapDocument, SentenceDocument
from tui.render import curve
from tui.render.weights import form, plain
from tui.strings import listed, text, worded
from tui.terminal.exit_codes import Exit, Failure
from tui.terminal.sanitise import ASCII

_MOST_SENTENCES = 1_000_000
_BAR = 24
"""Cells of the longest bar."""


class DocumentCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki document`; `reference` names sentences, from 1, with commas between them."""

    file: str
    model: str | None = None
    precision: PrecisionChoice = "exact"
    witness: WitnessName | None
    reference: str | None
    shuffles: int | None
    matrix: bool
    order: bool

    @classmethod
    def add_arguments(cls, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help=text("cli.option.document"))
        add_model(parser, "score")
        add_precision(parser)
        parser.add_argument(
            "--witness",
            metavar="NAME",
            choices=get_args(WitnessName),
            help=text("cli.option.witness", names=listed(get_args(WitnessName))),
        )
        parser.add_argument("--reference", metavar="N,N", help=text("cli.option.reference"))
        add_number(parser, "--shuffles", int, "N")
        parser.add_argument("--matrix", action="store_true", help=text("cli.option.matrix"))
        parser.add_argument("--order", action="store_true", help=text("cli.option.order"))

    def execute(self, output: Output) -> Exit:
        import asyncio

        """What came before an interruption is printed all the same."""
        written = read_file(self.file)
        request = build(self, written)

        async def work(session: Session) -> Exit:
            await warn(session, output, request.model, written)
            card = DocumentCard(request=request)
            try:
                async with aclosing(session.events(request)) as events:
                    async for event in events:
                        card.fold(event)
                        if isinstance(event, Progress):
                            output.status(text("cli.scoring"), f"{event.done}/{event.total}")
                        elif isinstance(event, MatrixCells):
                            done = sum(score is not None for row in card.matrix for score in row)
                            output.status(text("cli.scoring"), f"{done}/{event.total}")
            except asyncio.CancelledError:
                _conclude(card, self.json, output)
                raise
            if card.result is None:
                raise Failure(text("cli.no_answer"))
            _conclude(card, self.json, output)
            return Exit.DONE

        return run(self, output, work)


def build(command: DocumentCommand, written: str) -> Document:
    """The request that a command line means.

    Raises:
        Failure: a number is out of range, or none.
    """
    fields = given(
        shuffles=command.shuffles,
        witness=command.witness,
        reference=None if command.reference is None else _gaps(command.reference),
    )
    return validated(
        Document,
        {
            **fields,
            "model": pane_model(command, command.model, "score"),
            "precision": command.precision,
            "text": written,
            "matrix": command.matrix,
            "order": command.order,
        },
    )


def _gaps(sentences: str) -> list[int]:
    """The gaps after sentences that are named by number, from 1."""
    try:
        numbers = [int(number) for number in sentences.split(",") if number.strip()]
    except ValueError:
        numbers = [0]
    if any(not 1 <= number <= _MOST_SENTENCES for number in numbers):
        raise Failure.usage(text("cli.bad_reference", value=sentences))
    return [number - 1 for number in numbers]


def _conclude(card: DocumentCard, json: bool, output: Output) -> None:
    """Write what has come, if anything did."""
    if card.result is None:
        return
    if json:
        output.document(_document(card, card.result))
        return
    if not plain(card.result):
        output.note(text("cli.ran_in", model=card.result.model, form=form(card.result)))
    _print(card.result, output)
    _print_matrix(card.matrix, output)
    if card.arranged is not None:
        _print_arranged(card.arranged, output)


def _document(card: DocumentCard, result: DocumentResult) -> CoherenceDocument:
    fields = structs.asdict(result)
    fields["sentences"] = [
        msgspec.convert(sentence, SentenceDocument, from_attributes=True)
        for sentence in result.sentences
    ]
    fields["gaps"] = [
        GapDocument(
            **structs.asdict(gap.forward),
            reversed=gap.backward,
            score=gap.score,
            depth=gap.depth,
        )
        for gap in result.gaps
    ]
    if card.arranged is not None:
        fields |= structs.asdict(card.arranged)
        fields["order_exact"] = card.arranged.exact
    return msgspec.convert({**fields, "matrix": card.matrix}, CoherenceDocument)


def _print(result: DocumentResult, output: Output) -> None:
    """The sentences, and between them how well the next one follows."""
    scores = [gap.score for gap in result.gaps if gap.score is not None]
    lowest, highest = min(scores), max(scores)
    width = len(str(len(result.sentences)))
    bars = curve.lengths([gap.score for gap in result.gaps], _BAR, ASCII)
    for number, sentence in enumerate(result.sentences, start=1):
        output.line(f"{number:>{width}}  {' '.join(sentence.text.split())}")
        if number > len(result.gaps):
            break
        gap = result.gaps[number - 1]
        if gap.score is None:
            output.line(f"{'':{width}}  {'-':>9}  {worded(gap.forward.error)}")
            continue
        marks = [
            text(f"cli.document_{kind}")
            for kind, gaps in (("boundary", result.boundaries), ("marked", result.reference))
            if number - 1 in gaps
        ]
        line = f"{'':{width}}  {gap.score:>+9.4f}  {bars[number - 1]}"
        output.line("  ".join([line, *marks]))
    output.line()
    output.line(
        text(
            "cli.document_summary",
            witness=text(f"witness.{result.witness}"),
            mean=f"{result.coherence:+.4f}",
            lowest=f"{lowest:+.4f}",
            highest=f"{highest:+.4f}",
            threshold=f"{result.threshold:.4f}",
        )
    )
    if result.pk is not None and result.window_diff is not None:
        output.line(
            text(
                "cli.document_agreement",
                pk=f"{result.pk:.4f}",
                window_diff=f"{result.window_diff:.4f}",
                window=result.window,
                count=len(result.reference),
            )
        )


def _print_matrix(matrix: list[list[float | None]], output: Output) -> None:
    """A row for each first sentence, a column for each second."""
    if not matrix:
        return
    output.line()
    output.line("".join(f"{number:>8}" for number in ("", *range(1, len(matrix) + 1))))
    for number, row in enumerate(matrix, start=1):
        cells = ("-" if score is None else f"{score:+.2f}" for score in row)
        output.line("".join(f"{cell:>8}" for cell in (str(number), *cells)))


def _print_arranged(arranged: Arranged, output: Output) -> None:
    output.line()
    if arranged.percentile is not None:
        output.line(
            text(
                "cli.document_percentile",
                percentile=f"{arranged.percentile:.1f}",
                count=arranged.shuffles,
            )
        )
    if arranged.order_coherence is not None:
        kind = "best" if arranged.exact else "better"
        order = " ".join(str(number + 1) for number in arranged.order)
        output.line(
            text(f"cli.document_{kind}", order=order, mean=f"{arranged.order_coherence:+.4f}")
        )

"""`tsuzuki score`: how well one sentence continues another."""

from __future__ import annotations

from argparse import ArgumentParser
from contextlib import aclosing

from engine.messages import PrecisionChoice, Score, ScoreResult, Verdict
from tui.cards.figures import judgement
from tui.headless.command import Subcommand
from tui.headless.commands import score_file
from tui.headless.io import tables
from tui.headless.io.advice import warn
from tui.headless.io.output import Output
from tui.headless.io.pair_file import add_columns
from tui.headless.io.request import given, model_name, pane_model, read_text, validated
from tui.headless.io.score_line import line
from tui.headless.io.session import Session, run
from tui.headless.options import (
    add_literal_sides,
    add_model,
    add_number,
    add_precision,
    add_shards,
)
from tui.headless.schemas.score import score_document
from tui.render import verdicts
from tui.render.weights import form, plain
from tui.strings import text
from tui.terminal.exit_codes import Exit, Failure


class ScoreCommand(Subcommand, frozen=True, kw_only=True):
    """`tsuzuki score`: two texts, or a file of pairs."""

    a: str | None
    b: str | None
    literal: list[str]
    """With --text: both texts as they are."""
    file: str | None
    model: str | None = None
    beside: list[str]
    cosine: bool
    shuffles: int | None
    precision: PrecisionChoice = "exact"
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
        parser.add_argument("a", metavar="A", nargs="?", help=text("cli.option.a"))
        parser.add_argument("b", metavar="B", nargs="?", help=text("cli.option.b"))
        add_literal_sides(parser)
        parser.add_argument("--file", metavar="FILE", help=text("cli.option.pairs"))
        add_model(parser, "score")
        parser.add_argument(
            "--with",
            dest="beside",
            metavar="MODEL",
            action="append",
            default=[],
            help=text("cli.option.beside"),
        )
        parser.add_argument("--cosine", action="store_true", help=text("cli.option.cosine"))
        add_number(parser, "--shuffles", int, "N", "score_shuffles")
        add_precision(parser)
        add_columns(parser)
        tables.add_outputs(parser)
        add_shards(parser)

    def execute(self, output: Output) -> Exit:
        if self.file is not None:
            if self.a is not None or self.literal:
                raise Failure.usage(text("cli.file_or_texts"))
            if self.beside:
                raise Failure.usage(text("cli.no_beside"))
            return score_file.execute(self, self.file, output)
        if tables.to_file(self) or self.columns or self.out is not None:
            raise Failure.usage(text("cli.table_of_file"))
        if self.cosine:
            raise Failure.usage(text("cli.cosine_for_file"), text("cli.cosine_for_file_hint"))
        request = build(self, *_sides(self))

        async def work(session: Session) -> Exit:
            for model in (request.model, *(other.model for other in request.beside)):
                await warn(session, output, model, request.a, request.b)
            results, verdict = await _ask(session, request, output)
            if self.json:
                output.document(score_document(results, verdict))
            else:
                _print(results, verdict, output)
            return Exit.DONE

        return run(self, output, work)


def _sides(command: ScoreCommand) -> tuple[str, str]:
    """The two texts.

    Raises:
        Failure: there are not two, or one cannot be taken as a text.
    """
    if command.literal and command.a is None and len(command.literal) == 2:
        return command.literal[0], command.literal[1]
    if command.literal or command.a is None or command.b is None:
        raise Failure.usage(text("cli.file_or_texts"))
    if command.a == command.b == "-":
        raise Failure.usage(text("cli.one_stdin"))
    hint = text("cli.side_named_hint")
    return read_text(command.a, "A", hint), read_text(command.b, "B", hint)


def build(command: ScoreCommand, a: str, b: str) -> Score:
    """The request; the precision is the first model's, as the others may not have it."""
    fields = given(
        model=pane_model(command, command.model, "score"),
        a=a,
        b=b,
        cosine=True,
        shuffles=command.shuffles,
        beside=[{"model": model_name(other)} for other in command.beside],
        precision=command.precision,
    )
    return validated(Score, fields)


async def _ask(
    session: Session, request: Score, output: Output
) -> tuple[list[ScoreResult], Verdict | None]:
    results: list[ScoreResult] = []
    verdict = None
    async with aclosing(session.events(request)) as events:
        async for event in events:
            if isinstance(event, ScoreResult):
                results.append(event)
                output.status(text("cli.scoring"), event.model)
            elif isinstance(event, Verdict):
                verdict = event
    if not results:
        raise Failure(text("cli.no_answer"))
    return results, verdict


def _print(results: list[ScoreResult], verdict: Verdict | None, output: Output) -> None:
    for model, ran in sorted({(each.model, form(each)) for each in results if not plain(each)}):
        output.note(text("cli.ran_in", model=model, form=ran))
    for result in results:
        measures = verdicts.measures(result)
        output.line(text("cli.one_witness", model=result.model, measures=measures))
        if judgement(result).symmetric:
            output.line(f"  {line(result)}")
        else:
            for name, back in (("forward", False), ("backward", True)):
                output.line(f"  {text(f'cli.direction.{name}')}  {line(result, back=back)}")
        if result.shuffled is not None:
            output.line(f"  {verdicts.place(result.shuffled)}")
        if result.trimmed is not None:
            output.line(f"  {verdicts.cut(result.trimmed)}")
    if verdict is not None:
        output.line(verdicts.verdict(verdict))
    if verdicts.likeness_alone(results):
        output.note(verdicts.more_than_likeness(results[0].model))

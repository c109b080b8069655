"""`tsuzuki score`: how well one sentence continues another."""

from __future__ import annotations

import msgspec

from engine.messages import NspResult, PmiResult, Score
from tui.headless import score_pairs
from tui.headless.advice import warn
from tui.headless.commands import ScoreCommand
from tui.headless.documents import NspDocument, PmiDocument
from tui.headless.failure import Exit, Failure
from tui.headless.output import Output
from tui.headless.request import model_name, read_text
from tui.headless.score_line import line
from tui.headless.session import Session, run
from tui.strings import text


def execute(command: ScoreCommand, output: Output) -> Exit:
    """Run the command."""
    if command.file is not None:
        if command.a is not None:
            raise Failure.usage(text("cli.file_or_texts"))
        return score_pairs.execute(command, command.file, output)
    if command.a is None or command.b is None:
        raise Failure.usage(text("cli.file_or_texts"))
    if command.a == command.b == "-":
        raise Failure.usage(text("cli.one_stdin"))
    request = Score(
        model=model_name(command.model),
        a=read_text(command.a, "A"),
        b=read_text(command.b, "B"),
        precision=command.precision,
    )

    async def work(session: Session) -> Exit:
        await warn(session, output, request.model, f"{request.a} {request.b}")
        result: NspResult | PmiResult = await session.ask(request, NspResult, PmiResult)
        if not command.json:
            _print(result, output)
        elif isinstance(result, NspResult):
            output.document(msgspec.convert(result, NspDocument, from_attributes=True))
        else:
            output.document(msgspec.convert(result, PmiDocument, from_attributes=True))
        return Exit.DONE

    return run(command, output, work)


def _print(result: NspResult | PmiResult, output: Output) -> None:
    if result.precision != "exact":
        output.note(text("cli.ran_in", model=result.model, precision=result.precision))
    for name, direction in (("forward", result), ("backward", result.reversed)):
        output.line(f"{text(f'cli.direction.{name}')}  {line(direction)}")

"""`tsuzuki score`: how well one sentence continues another."""

from __future__ import annotations

import msgspec

from engine.messages import NspDirection, NspResult, PmiDirection, PmiResult, Score
from tui.headless.advice import warn
from tui.headless.commands import ScoreCommand
from tui.headless.documents import NspDocument, PmiDocument
from tui.headless.failure import Exit, Failure
from tui.headless.output import Output
from tui.headless.request import model_name, read_text
from tui.headless.session import Session, run
from tui.strings import text


def execute(command: ScoreCommand, output: Output) -> Exit:
    """Run the command."""
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
        output.line(f"{text(f'cli.direction.{name}')}  {_line(direction)}")


def _line(direction: NspResult | NspDirection | PmiResult | PmiDirection) -> str:
    if isinstance(direction, NspResult | NspDirection):
        first, second = direction.logits
        return text(
            "cli.nsp",
            probability=f"{direction.probability:.6f}",
            margin=f"{direction.margin:+.4f}",
            first=f"{first:.4f}",
            second=f"{second:.4f}",
        )
    return text(
        "cli.pmi",
        bits=f"{direction.bits:+.3f}",
        per_token=f"{direction.bits_per_token:+.3f}",
        conditional=f"{direction.logprob_conditional:.3f}",
        alone=f"{direction.logprob_alone:.3f}",
    )

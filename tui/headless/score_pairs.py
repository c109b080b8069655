"""`tsuzuki score --file`: many pairs, each answered as it is ready."""

from __future__ import annotations

import msgspec
from msgspec import Struct, structs

from engine.messages import NspResult, PairScore, PmiResult, ScorePairs
from tui.headless.commands import ScoreCommand
from tui.headless.documents import NspPairDocument, PairErrorDocument, PmiPairDocument
from tui.headless.failure import Exit
from tui.headless.output import Output
from tui.headless.pair_file import read_pairs
from tui.headless.request import model_name
from tui.headless.score_line import line
from tui.headless.session import Session, run
from tui.strings import text

AT_ONCE = 2000
"""Pairs of one request: many enough to find others of their length."""


def execute(command: ScoreCommand, file: str, output: Output) -> Exit:
    """Score the pairs of a file. A pair that cannot be scored makes the exit code 1."""
    pairs = list(read_pairs(file, ("a", "b")))
    model = model_name(command.model)

    async def work(session: Session) -> Exit:
        done, exit_code = 0, Exit.DONE
        for first in range(0, len(pairs), AT_ONCE):
            some = pairs[first : first + AT_ONCE]
            request = ScorePairs(model=model, pairs=some, precision=command.precision)
            async for event in session.events(request):
                if not isinstance(event, PairScore):
                    continue
                scored = structs.replace(event, index=first + event.index)
                done += 1
                output.status(text("cli.scoring"), f"{done}/{len(pairs)}")
                if scored.error is not None:
                    exit_code = Exit.FAILED
                _write(scored, command.json, output)
        return exit_code

    return run(command, output, work)


def _write(scored: PairScore, json: bool, output: Output) -> None:
    result, error = scored.result, scored.error
    if not json:
        told = (
            error.message
            if error is not None
            else line(result)
            if isinstance(result, NspResult | PmiResult)
            else ""
        )
        output.line(f"{scored.index + 1}  {told}")
    elif isinstance(result, NspResult):
        output.document(_document(NspPairDocument, scored.index, result))
    elif isinstance(result, PmiResult):
        output.document(_document(PmiPairDocument, scored.index, result))
    elif error is not None:
        output.document(PairErrorDocument(index=scored.index, error=error.message, hint=error.hint))


def _document(
    kind: type[NspPairDocument] | type[PmiPairDocument], index: int, result: NspResult | PmiResult
) -> Struct:
    return msgspec.convert({**structs.asdict(result), "index": index}, kind, from_attributes=True)

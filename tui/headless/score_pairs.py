"""`tsuzuki score --file`: many pairs, each answered as it is ready."""

from __future__ import annotations

from msgspec import structs

from engine.messages import PairScore, ScorePairs
from tui.headless.commands import ScoreCommand
from tui.headless.documents import PairErrorDocument
from tui.headless.failure import Exit
from tui.headless.output import Output
from tui.headless.pair_file import read_pairs
from tui.headless.request import given, model_name, validated
from tui.headless.score_document import score_document
from tui.headless.score_line import line
from tui.headless.session import Session, run
from tui.strings import text
from tui.verdicts import verdict

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
            fields = given(
                model=model,
                pairs=some,
                cosine=command.cosine,
                shuffles=command.shuffles,
                precision=command.precision,
            )
            request = validated(ScorePairs, fields)
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
    if error is not None:
        if json:
            failed = PairErrorDocument(index=scored.index, error=error.message, hint=error.hint)
            output.document(failed)
        else:
            output.line(f"{scored.index + 1}  {error.message}")
    elif result is not None:
        results = [result, *scored.others]
        if json:
            output.document(score_document(results, scored.verdict, scored.index))
            return
        told = [line(each) for each in results]
        if scored.verdict is not None:
            told.append(verdict(scored.verdict))
        output.line("  ".join([str(scored.index + 1), *told]))

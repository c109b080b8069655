"""`tsuzuki score --file`: many pairs, each answered as it is ready."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from engine.messages import NspResult, PairScore, PmiResult, ScorePairs
from tui.headless.commands import ScoreCommand
from tui.headless.documents import NspPairDocument, PairErrorDocument, PmiPairDocument
from tui.headless.failure import Exit, Failure
from tui.headless.output import Output
from tui.headless.request import model_name
from tui.headless.score_line import line
from tui.headless.session import Session, run
from tui.strings import text

AT_ONCE = 2000
"""Pairs of one request: many enough to find others of their length."""

Pair = tuple[str, str]


class _Line(Struct, frozen=True):
    """A line of a JSONL file."""

    a: str
    b: str


def execute(command: ScoreCommand, file: str, output: Output) -> Exit:
    """Score the pairs of a file. A pair that cannot be scored makes the exit code 1."""
    pairs = list(read_pairs(file))
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


def read_pairs(file: str) -> Iterator[Pair]:
    """The pairs of a file, or of standard input where it is a dash; blank lines are skipped.

    A line is two texts with a tab between them, or a JSON object with "a" and "b".

    Raises:
        Failure: it cannot be read, or a line is neither (exit code 2).
    """
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()
        content = data.decode("utf-8-sig")
    except UnicodeError as error:
        raise Failure.usage(text("cli.not_utf8", what=file)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure.usage(text("cli.unreadable", file=file, reason=reason)) from error
    found = 0
    for number, each in enumerate(content.split("\n"), start=1):
        each = each.removesuffix("\r")
        if each.strip():
            found += 1
            yield _pair(each, number)
    if not found:
        raise Failure.usage(text("cli.no_pairs", file=file))


def _pair(content: str, number: int) -> Pair:
    if content.lstrip().startswith("{"):
        try:
            found = msgspec.json.decode(content.encode(), type=_Line)
        except msgspec.DecodeError as error:
            raise Failure.usage(
                text("cli.bad_pair", line=number, reason=str(error)), text("cli.bad_pair_hint")
            ) from error
        return found.a, found.b
    sides = content.split("\t")
    if len(sides) != 2:
        raise Failure.usage(
            text("cli.bad_pair", line=number, reason=text("cli.not_two", count=len(sides))),
            text("cli.bad_pair_hint"),
        )
    return sides[0], sides[1]


def _write(scored: PairScore, json: bool, output: Output) -> None:
    result, error = scored.result, scored.error
    if not json:
        told = error.message if error is not None else line(result) if result is not None else ""
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

"""Files of pairs of texts: a line is two texts with a tab between them, or a JSON object."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from tui.headless.failure import Failure
from tui.strings import text

Pair = tuple[str, str]


def read_pairs(file: str, *names: Pair) -> Iterator[Pair]:
    """The pairs of a file, or of standard input where it is a dash; blank lines are skipped.

    `names` are those that the two texts may have in an object, the usual ones first.

    Raises:
        Failure: it cannot be read, or a line holds no pair (exit code 2).
    """
    found = 0
    for number, each in enumerate(read_lines(file), start=1):
        if each.strip():
            found += 1
            yield _pair(each, number, names)
    if not found:
        raise Failure.usage(text("cli.no_pairs", file=file))


def read_lines(file: str) -> list[str]:
    """The lines of a file, or of standard input where it is a dash, without their ends.

    Raises:
        Failure: it cannot be read (exit code 2).
    """
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).expanduser().read_bytes()
        content = data.decode("utf-8-sig")
    except UnicodeError as error:
        raise Failure.usage(text("cli.not_utf8", what=file)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure.usage(text("cli.unreadable", file=file, reason=reason)) from error
    return [line.removesuffix("\r") for line in content.split("\n")]


def _pair(content: str, number: int, names: Sequence[Pair]) -> Pair:
    first, second = names[0]
    hint = text("cli.bad_pair_hint", first=first, second=second)
    if content.lstrip().startswith("{"):
        try:
            found = msgspec.json.decode(content.encode(), type=dict[str, object])
        except msgspec.DecodeError as error:
            raise Failure.usage(
                text("cli.bad_pair", line=number, reason=str(error)), hint
            ) from error
        for one, other in names:
            a, b = found.get(one), found.get(other)
            if isinstance(a, str) and isinstance(b, str):
                return a, b
        reason = text("cli.no_two_texts", first=first, second=second)
        raise Failure.usage(text("cli.bad_pair", line=number, reason=reason), hint)
    sides = content.split("\t")
    if len(sides) != 2:
        reason = text("cli.not_two", count=len(sides))
        raise Failure.usage(text("cli.bad_pair", line=number, reason=reason), hint)
    return sides[0], sides[1]

"""From what stands on the command line to requests that the engine accepts."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TypeVar

import msgspec

from tui.headless.failure import Failure
from tui.strings import text
from tui.text_file import named, read, without_end

T = TypeVar("T", bound=msgspec.Struct)

_OPTIONS = {"branches": "--n"}
"""Options whose name differs from that of the field they fill."""


def validated(kind: type[T], fields: dict[str, object]) -> T:
    """Build a request. Its own definition says which numbers are allowed; there is no second list.

    Raises:
        Failure: a number is out of range (exit code 2).
    """
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        problem, _, path = str(error).rpartition(" - at `$.")
        *outer, name = path.rstrip("`").split(".")
        name = re.sub(r"\[.*?\]", "", name)  # where it is one of several
        value: object = fields
        for key in (*outer, name):
            value = value[key] if isinstance(value, dict) else value
        raise Failure.usage(
            text(
                "cli.bad_number",
                option=_OPTIONS.get(name, f"--{name.replace('_', '-')}"),
                value=value,
                range=problem.removeprefix("Expected ").replace("`", ""),
            )
        ) from error


def given(**fields: object) -> dict[str, object]:
    """The fields that were set on the command line; the others keep the request's defaults."""
    return {name: value for name, value in fields.items() if value is not None}


def read_text(argument: str, name: str) -> str:
    """A text argument: itself, or what standard input holds where it is a dash.

    One final line break is dropped, as a shell's ``$(...)`` does: `echo` adds one that nobody
    means.

    Raises:
        Failure: it is not UTF-8 (exit code 2).
    """
    try:
        if argument != "-":
            # Bytes that are no text arrive as lone surrogates.
            argument.encode()
            return argument
        content = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeError as error:
        raise Failure.usage(text("cli.not_utf8", what=name)) from error
    return without_end(content)


def read_text_or_file(argument: str) -> str:
    """A text argument that may also be the name of a file that holds the text.

    Raises:
        Failure: the file cannot be read, or is not UTF-8 (exit code 2).
    """
    return read_text(argument, "TEXT") if named(argument) is None else read_file(argument)


def read_file(argument: str) -> str:
    """The text of a file, or of standard input where it is a dash, as `read_text` reads it.

    Raises:
        Failure: it cannot be read, or is not UTF-8 (exit code 2).
    """
    if argument == "-":
        return read_text(argument, "FILE")
    try:
        return read(Path(argument).expanduser())
    except UnicodeError as error:
        raise Failure.usage(text("cli.not_utf8", what=argument)) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise Failure.usage(text("cli.unreadable", file=argument, reason=reason)) from error
    except (ValueError, RuntimeError) as error:  # no name of a file: a null, an unknown ~user
        raise Failure.usage(text("cli.unreadable", file=argument, reason=error)) from error


def model_name(argument: str) -> str:
    """A catalogue id or hub id as it is; a path in full, wherever the engine's process stands."""
    path = Path(argument).expanduser()
    looks_like_path = os.sep in argument or path.suffix == ".gguf" or argument.startswith("~")
    return str(path.resolve()) if looks_like_path and path.exists() else argument

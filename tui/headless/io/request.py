"""Builds the engine's requests from the command line."""

from __future__ import annotations

import os
import sys
from typing import TypeVar

import msgspec

from engine.messages import Role
from tui.files import paths, system_errors
from tui.files.text_file import decoded, looks_named, named, without_end
from tui.files.values import wrong
from tui.headless.command import Command, TextCommand
from tui.headless.io import settings_file
from tui.strings import text
from tui.terminal.exit_codes import Failure

T = TypeVar("T", bound=msgspec.Struct)


def validated(kind: type[T], fields: dict[str, object], **options: str) -> T:
    """Build a request. Its definition alone sets the range of each number.

    `options` names those options that are not called like the field they fill.

    Raises:
        Failure: a number is out of range, or there are too many values (exit code 2).
    """
    try:
        return msgspec.convert(fields, kind)
    except msgspec.ValidationError as error:
        path = str(error).rpartition(" - at `$.")[2]
        names = [part.partition("[")[0] for part in path.rstrip("`").split(".")]
        value: object = fields
        for key in names:
            value = value.get(key) if isinstance(value, dict) else value
        option = options.get(names[-1], f"--{names[-1].replace('_', '-')}")
        given = f"{option} {value}" if isinstance(value, int | float | str) else option
        raise Failure.usage(f"{given}: {wrong(error)}") from error


def given(**fields: object) -> dict[str, object]:
    """The fields that were set on the command line; the others keep the request's defaults."""
    return {name: value for name, value in fields.items() if value is not None}


def read_given(command: TextCommand, *, files: bool = False) -> str:
    """The text of a command, from wherever it is given; `files`: its TEXT may also name a file.

    Raises:
        Failure: there is none, TEXT looks like the name of a file that is not read so, the file
            cannot be read, or it is not UTF-8 (exit code 2).
    """
    if command.file is not None:
        return read_file(command.file)
    if command.literal is not None:
        return command.literal
    if command.text is None:
        raise Failure.usage(text("cli.no_text"), text("cli.no_text_hint"))
    if files and command.text != "-" and named(command.text) is not None:
        return read_file(command.text)
    return read_text(command.text, "TEXT", text("cli.looks_named_hint", text=command.text))


def read_text(argument: str, name: str, hint: str) -> str:
    """A text argument: itself, or what standard input holds where it is a dash.

    One final line break is dropped, as a shell's ``$(...)`` does: `echo` adds one that nobody
    means. A text that looks like the name of a file is most likely meant as one, so that its
    score would be that of the name; `hint` says how to give either.

    Raises:
        Failure: it looks like the name of a file, or is not UTF-8 (exit code 2).
    """
    if argument == "-":
        return _decoded(_standard_input(), name)
    if looks_named(argument):
        key = "cli.file_as_text" if named(argument) is not None else "cli.no_such_file"
        raise Failure.usage(text(key, name=name, text=argument), hint)
    return argument


def read_file(argument: str) -> str:
    """The text of a file, or of standard input where it is a dash, as `read_text` reads it.

    Raises:
        Failure: it cannot be read, or is not UTF-8 (exit code 2).
    """
    what = "FILE" if argument == "-" else argument
    return _decoded(read_bytes(argument), what)


def read_leniently(argument: str) -> str:
    """The text of a file for those who judge it row by row.

    Bytes that are no UTF-8 are lone surrogates in it, which `text_file.utf8` finds.

    Raises:
        Failure: it cannot be read, or is UTF-16 that is cut short (exit code 2).
    """
    return _decoded(read_bytes(argument), argument, errors="surrogateescape")


def read_bytes(argument: str) -> bytes:
    """What a file holds, or standard input where it is a dash.

    Raises:
        Failure: it cannot be read (exit code 2).
    """
    if argument == "-":
        return _standard_input()
    try:
        return paths.written(argument).read_bytes()
    except OSError as error:
        reason = system_errors.reason(error)
        raise Failure.usage(text("cli.unreadable", file=argument, reason=reason)) from error
    except ValueError as error:  # no name of a file: a null
        raise Failure.usage(text("cli.unreadable", file=argument, reason=error)) from error


def _decoded(data: bytes, what: str, errors: str = "strict") -> str:
    try:
        return without_end(decoded(data, errors))
    except UnicodeError as error:
        raise Failure.usage(text("cli.not_utf8", what=what)) from error


def _standard_input() -> bytes:
    try:
        return sys.stdin.buffer.read()
    except OSError as error:
        what, reason = text("cli.standard_input"), system_errors.reason(error)
        raise Failure.usage(text("cli.unreadable", file=what, reason=reason)) from error


def pane_model(command: Command, named: str | None, role: Role) -> str:
    """The model that a command line names, or else the one that the settings give a pane.

    Raises:
        Failure: the settings file that was named is not there (exit code 2).
    """
    if named is None:
        named = settings_file.load(command).settings.models.of(role)
    return model_name(named)


def own_models(name: str) -> list[str]:
    """What to list beside the models of the settings for a command that names this one."""
    return [name] if name.startswith("/") else []


def model_name(argument: str) -> str:
    """A catalogue id or hub id as it is; a path in full, since the engine may run elsewhere."""
    path = paths.written(argument)
    looks_like_path = os.sep in argument or path.suffix == ".gguf" or argument.startswith("~")
    return str(path.resolve()) if looks_like_path and path.exists() else argument

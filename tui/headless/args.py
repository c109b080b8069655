"""The command line: words in, a typed command out. Imports neither textual nor torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import metadata
from pkgutil import resolve_name
from typing import Any, NoReturn, TypeAlias

import msgspec

from tui.config.validation import is_command
from tui.files.text_file import utf8
from tui.headless import commands
from tui.headless.command import OpenApp, Subcommand
from tui.headless.commands import COMMANDS
from tui.headless.options import add_precision
from tui.headless.parser_text import HelpFormatter, install
from tui.strings import text
from tui.terminal.exit_codes import Failure

PROGRAM = "tsuzuki"


_PATHS = frozenset({"config", "file", "files", "out", "csv", "tsv", "svg", "png"})
"""Fields that name files, whose names can be any bytes."""


class _Once(argparse.Action):
    """Stores an option's value, and refuses a second one: which of the two counts is a guess."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,
    ) -> None:
        """Store a value."""
        assert isinstance(parser, _Parser)
        if option_string is not None:
            if self.dest in parser.given:
                raise Failure.usage(text("cli.given_twice", option=option_string))
            parser.given.add(self.dest)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """Reports wrong use as a `Failure`, so that one place prints what goes to stderr."""

    def __init__(self, given: set[str], command: str = "", **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.given = given
        """The options met so far, by this parser and those of the subcommands."""
        self._command = command
        """The name of a subcommand whose own arguments are still to be added."""
        for name in (None, "store"):
            self.register("action", name, _Once)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse, as `ArgumentParser` does. A subcommand is imported only here: where it is used."""
        self.complete()
        return super().parse_known_args(args, namespace)

    def complete(self) -> None:
        """Add the arguments of the subcommand, if this is the parser of one."""
        if self._command:
            name = f"{commands.__name__}.{COMMANDS[self._command]}"
            kind: type[OpenApp | Subcommand] = resolve_name(name)
            self.set_defaults(kind=kind, prog=self.prog)
            if issubclass(kind, Subcommand):  # the others open the app, and print nothing
                self.add_argument("--json", action="store_true", help=text("cli.option.json"))
                kind.add_arguments(self)
            self._command = ""

    def error(self, message: str) -> NoReturn:
        raise Failure.usage(message, text("cli.see_help", command=self.prog))

    def _match_argument(self, action: argparse.Action, arg_strings_pattern: str) -> int:
        try:
            return super()._match_argument(action, arg_strings_pattern)
        except argparse.ArgumentError:
            if action.nargs is not None or not action.option_strings:
                raise
            option = action.option_strings[-1]
            message = text("cli.wants_value", option=option)
            raise Failure.usage(message, text("cli.wants_value_hint", option=option)) from None

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        # Before Python 3.12.5 a value "--" (of --stop=--) is taken for the end of the options.
        if action.option_strings and action.nargs is None and arg_strings == ["--"]:
            return self._get_value(action, "--")
        return super()._get_values(action, arg_strings)

    def _get_value(self, action: argparse.Action, arg_string: str) -> Any:
        # What goes to the engine must be text: other bytes arrive as lone surrogates.
        is_text = action.type is None and action.nargs != argparse.PARSER
        if is_text and action.dest not in _PATHS and not utf8(arg_string):
            name = action.option_strings[-1] if action.option_strings else action.metavar
            raise Failure.usage(text("cli.not_utf8", what=name))
        return super()._get_value(action, arg_string)


_Subparsers: TypeAlias = "argparse._SubParsersAction[_Parser]"


def parse(arguments: Sequence[str]) -> OpenApp | Subcommand:
    """Understand a command line.

    Raises:
        Failure: it cannot be understood (exit code 2).
        SystemExit: it asked for help or for the version, which is printed.
    """
    parser = _parser()
    namespace, unknown = parser.parse_known_args(arguments)
    values = vars(namespace)
    command = values.pop("prog")
    if unknown:
        _refuse(unknown[0], command, arguments)
    kind: type[OpenApp | Subcommand] = values.pop("kind")
    foreign = sorted(values.keys() - set(kind.__struct_fields__))
    if foreign:
        raise Failure.usage(text("cli.not_here", option=f"--{foreign[0]}"))
    for name, value in values.items():
        if isinstance(value, list) and name in parser.given:
            # Given before the command, where it is no list, it would be lost.
            raise Failure.usage(text("cli.given_before", option=f"--{name}"))
    return msgspec.convert(values, kind)


def whole_parser() -> argparse.ArgumentParser:
    """The parser of every command line, with the arguments of all subcommands."""
    parser = _parser()
    pending = [parser]
    while pending:
        each = pending.pop()
        each.complete()
        for action in each._actions:
            if isinstance(action, argparse._SubParsersAction):
                pending += action.choices.values()
    return parser


def _refuse(word: str, command: str, arguments: Sequence[str]) -> NoReturn:
    """Report a word that no parser accepts."""
    help_hint = text("cli.see_help", command=command)
    if word.startswith("-"):
        hint = text("cli.dash_hint", command=command, word=word)
        raise Failure.usage(text("cli.unknown_option", option=word), f"{hint} {help_hint}")
    if "--" in arguments:
        help_hint = text("cli.after_dashes", command=command)
    raise Failure.usage(text("cli.unknown_word", word=word), help_hint)


def _parser() -> _Parser:
    install()
    given: set[str] = set()
    common = _common(given)
    parser = _Parser(
        given,
        prog=PROGRAM,
        description=text("cli.description"),
        epilog=text("cli.epilog"),
        parents=[common],
        formatter_class=HelpFormatter,
    )
    parser.set_defaults(kind=OpenApp, prog=PROGRAM)
    parser.add_argument(
        "--version", action="version", version=_version(), help=text("cli.option.version")
    )
    parser.add_argument(
        "--model", metavar="M", default=argparse.SUPPRESS, help=text("cli.option.model")
    )
    add_precision(parser, "precision")
    parser.add_argument(
        "--theme", metavar="NAME", default=argparse.SUPPRESS, help=text("cli.option.theme")
    )
    subcommands = parser.add_subparsers(title=text("cli.commands"), metavar="COMMAND")
    families: dict[str, _Subparsers] = {"": subcommands}
    for command in COMMANDS:
        family = command.rpartition(" ")[0]
        if family not in families:
            families[family] = _family(subcommands, family, given)
        _add_command(families[family], command, common)
    return parser


def _version() -> str:
    return f"{PROGRAM} {metadata.version(PROGRAM)}"


def _common(given: set[str]) -> _Parser:
    """Options that may come before or after the subcommand, which therefore have no default."""
    parser = _Parser(given, add_help=False)
    parser.add_argument(
        "--config", metavar="FILE", default=argparse.SUPPRESS, help=text("cli.option.config")
    )
    parser.add_argument(
        "--engine",
        metavar="COMMAND",
        type=_reaching,
        default=argparse.SUPPRESS,
        help=text("cli.option.engine"),
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help=text("cli.option.verbose"),
    )
    return parser


def _reaching(command: str) -> str:
    """A command that leads to another machine.

    Raises:
        Failure: it is none.
    """
    if not is_command(command):
        message = text("problems.no_command", name="--engine")
        raise Failure.usage(message, text("cli.engine_example"))
    return command


def _family(subcommands: _Subparsers, name: str, given: set[str]) -> _Subparsers:
    """Add a command whose second word names an action, and return where its actions go."""
    parser = subcommands.add_parser(name, help=text(f"cli.{name}.title"), given=given)
    return parser.add_subparsers(title=text("cli.commands"), metavar="ACTION", required=True)


def _add_command(subcommands: _Subparsers, command: str, common: _Parser) -> None:
    """Add a subcommand with what all have in common; its own arguments follow where it is used."""
    key = command.replace(" ", "_")
    subcommands.add_parser(
        command.rpartition(" ")[2],
        help=text(f"cli.{key}.title"),
        description=text(f"cli.{key}.help"),
        given=common.given,
        command=command,
        parents=[common],
        formatter_class=HelpFormatter,
    )

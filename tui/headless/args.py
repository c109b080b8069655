"""The command line: words in, a typed command out. Imports neither textual nor torch."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import metadata
from typing import Any, NoReturn, get_args

import msgspec

from engine.messages import (
    JointMethod,
    PllMethod,
    Precision,
    PrecisionChoice,
    Role,
    WitnessName,
)
from tui.headless import invocations
from tui.strings import text
from tui.terminal.exit_codes import Failure

PROGRAM = "tsuzuki"


_NAMES = {"literal": "--text", "beside": "--with", "text": "TEXT", "a": "A", "b": "B"}
"""What fields are called on the command line, where that is not their name behind two dashes."""

_PATHS = frozenset({"config", "file"})
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
        """Take a value."""
        assert isinstance(parser, _Parser)
        if option_string is not None:
            if self.dest in parser.given:
                raise Failure.usage(text("cli.given_twice", option=option_string))
            parser.given.add(self.dest)
        setattr(namespace, self.dest, values)


class _Parser(argparse.ArgumentParser):
    """Reports wrong use as a `Failure`, so that one place prints what goes to stderr."""

    def __init__(self, given: set[str], **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)
        self.given = given
        """The options met so far, by this parser and those of the subcommands."""
        for name in (None, "store"):
            self.register("action", name, _Once)

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


def parse(arguments: Sequence[str]) -> invocations.AnyCommand:
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
    kind: type[invocations.AnyCommand] = values.pop("kind")
    foreign = sorted(values.keys() - set(kind.__struct_fields__))
    if foreign:
        raise Failure.usage(text("cli.not_here", option=f"--{foreign[0]}"))
    for name, value in values.items():
        if isinstance(value, list) and name in parser.given:
            # Given before the command, where it is no list, it would be lost.
            raise Failure.usage(text("cli.given_before", option=f"--{name}"))
        _check_encoding(name, value)
    return msgspec.convert(values, kind)


def _refuse(word: str, command: str, arguments: Sequence[str]) -> NoReturn:
    """Say what is wrong with a word that no parser knows."""
    help_hint = text("cli.see_help", command=command)
    if word.startswith("-"):
        hint = text("cli.dash_hint", command=command, word=word)
        raise Failure.usage(text("cli.unknown_option", option=word), f"{hint} {help_hint}")
    if "--" in arguments:
        help_hint = text("cli.after_dashes", command=command)
    raise Failure.usage(text("cli.unknown_word", word=word), help_hint)


def _check_encoding(name: str, value: object) -> None:
    """See that what goes to the engine is text: bytes that are none arrive as lone surrogates.

    Raises:
        Failure: it is none.
    """
    if name in _PATHS:
        return
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str) and not _encodable(each):
            option = _NAMES.get(name, f"--{name.replace('_', '-')}")
            raise Failure.usage(text("cli.not_utf8", what=option))


def _encodable(written: str) -> bool:
    try:
        written.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parser() -> _Parser:
    given: set[str] = set()
    common = _common(given)
    parser = _Parser(
        given,
        prog=PROGRAM,
        description=text("cli.description"),
        epilog=text("cli.epilog"),
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(kind=invocations.OpenApp, prog=PROGRAM)
    parser.add_argument("--version", action="version", version=_version())
    parser.add_argument(
        "--model", metavar="M", default=argparse.SUPPRESS, help=text("cli.option.model")
    )
    _add_precision(parser, "cli.option.precision")
    parser.add_argument(
        "--theme", metavar="NAME", default=argparse.SUPPRESS, help=text("cli.option.theme")
    )
    subcommands = parser.add_subparsers(title=text("cli.commands"), metavar="COMMAND")
    _add_continue(_subcommand(subcommands, "continue", invocations.ContinueCommand, common))
    _add_fill(_subcommand(subcommands, "fill", invocations.FillCommand, common))
    _add_pll(_subcommand(subcommands, "pll", invocations.PllCommand, common))
    _add_pairs(_subcommand(subcommands, "pairs", invocations.PairsCommand, common))
    _add_score(_subcommand(subcommands, "score", invocations.ScoreCommand, common))
    _add_document(_subcommand(subcommands, "document", invocations.DocumentCommand, common))
    _add_tokens(_subcommand(subcommands, "tokens", invocations.TokensCommand, common))
    _add_surprisal(_subcommand(subcommands, "surprisal", invocations.SurprisalCommand, common))
    _add_compare(_subcommand(subcommands, "compare", invocations.CompareCommand, common))
    replay = _subcommand(subcommands, "replay", invocations.ReplayCommand, common)
    replay.add_argument("file", metavar="FILE", nargs="?", help=text("cli.option.exported"))
    _add_models(subcommands, common)
    _add_bench(_subcommand(subcommands, "bench", invocations.BenchCommand, common))
    forget = _subcommand(subcommands, "forget", invocations.ForgetCommand, common)
    forget.add_argument("--yes", action="store_true", help=text("cli.option.unasked"))
    doctor = _subcommand(subcommands, "doctor", invocations.DoctorCommand, common)
    doctor.add_argument("--network", action="store_true", help=text("cli.option.network"))
    return parser


def _version() -> str:
    return f"{PROGRAM} {metadata.version(PROGRAM)}"


def _common(given: set[str]) -> _Parser:
    """Options that may stand before or after the subcommand, which therefore have no default."""
    parser = _Parser(given, add_help=False)
    parser.add_argument(
        "--config", metavar="FILE", default=argparse.SUPPRESS, help=text("cli.option.config")
    )
    parser.add_argument(
        "-v",
        "--verbose",
        action="store_true",
        default=argparse.SUPPRESS,
        help=text("cli.option.verbose"),
    )
    return parser


def _subcommand(
    subcommands: argparse._SubParsersAction[_Parser],
    name: str,
    kind: type[invocations.Command],
    common: _Parser,
    family: str = "",
) -> _Parser:
    parser = subcommands.add_parser(
        name,
        help=text(f"cli.{family}{name}.title"),
        description=text(f"cli.{family}{name}.help"),
        given=common.given,
        parents=[common],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(kind=kind, prog=parser.prog)
    parser.add_argument("--json", action="store_true", help=text("cli.option.json"))
    return parser


def _add_text(parser: _Parser, told: str, metavar: str = "TEXT") -> None:
    """A text in one of three ways; that it is there at all is checked where it is read."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("text", metavar=metavar, nargs="?", help=text(told))
    ways.add_argument(
        "--text", dest="literal", metavar="TEXT", help=text("cli.option.literal_text")
    )
    ways.add_argument("--file", metavar="FILE", help=text("cli.option.text_file"))


def _add_model(parser: _Parser, role: Role) -> None:
    parser.add_argument(
        "--model",
        metavar="M",
        default=argparse.SUPPRESS,
        help=text("cli.option.model_default", pane=role),
    )


def _add_precision(parser: _Parser, told: str) -> None:
    parser.add_argument(
        "--precision",
        metavar="FORM",
        choices=get_args(PrecisionChoice),
        default=argparse.SUPPRESS,
        help=text(told),
    )


def _add_number(
    parser: _Parser, option: str, kind: type[int] | type[float], metavar: str, key: str = ""
) -> None:
    """`key` is where the strings have its help, if not under its own name."""
    key = key or option.removeprefix("--").replace("-", "_")
    parser.add_argument(option, type=kind, metavar=metavar, help=text(f"cli.option.{key}"))


def _add_continue(parser: _Parser) -> None:
    _add_text(parser, "cli.option.text")
    _add_model(parser, "continue")
    _add_precision(parser, "cli.option.precision_default")
    _add_number(parser, "--max-tokens", int, "N")
    drawing = parser.add_mutually_exclusive_group()
    drawing.add_argument("--greedy", action="store_true", help=text("cli.option.greedy"))
    drawing.add_argument(
        "--temperature", type=float, metavar="T", help=text("cli.option.temperature")
    )
    _add_number(parser, "--top-k", int, "K")
    _add_number(parser, "--top-p", float, "P")
    _add_number(parser, "--min-p", float, "P")
    _add_number(parser, "--typical-p", float, "P")
    _add_number(parser, "--repetition-penalty", float, "R")
    _add_number(parser, "--seed", int, "S")
    parser.add_argument(
        "--n", type=int, metavar="B", dest="branches", help=text("cli.option.branches")
    )
    parser.add_argument(
        "--stop", metavar="STR", action="append", default=[], help=text("cli.option.stop")
    )
    _add_number(parser, "--top", int, "A")
    _add_number(parser, "--nbest", int, "N")
    parser.add_argument("--chat", action="store_true", help=text("cli.option.chat"))
    parser.add_argument("--system", metavar="TEXT", help=text("cli.option.system"))


def _add_fill(parser: _Parser) -> None:
    _add_text(parser, "cli.option.masked_text")
    _add_model(parser, "fill")
    _add_precision(parser, "cli.option.precision_default")
    parser.add_argument("--top", type=int, metavar="K", help=text("cli.option.candidates"))
    parser.add_argument(
        "--mask", type=int, metavar="N", action="append", default=[], help=text("cli.option.mask")
    )
    parser.add_argument("--words", metavar="LIST|FILE", help=text("cli.option.words"))
    _add_number(parser, "--pieces", int, "N")
    parser.add_argument(
        "--joint",
        metavar="METHOD",
        choices=get_args(JointMethod),
        action="append",
        default=[],
        help=text("cli.option.joint"),
    )


def _add_pll(parser: _Parser) -> None:
    _add_text(parser, "cli.option.text")
    _add_model(parser, "fill")
    _add_precision(parser, "cli.option.precision_default")
    _add_pll_method(parser)


def _add_pairs(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help=text("cli.option.minimal_pairs"))
    _add_model(parser, "fill")
    _add_precision(parser, "cli.option.precision_default")
    _add_pll_method(parser)


def _add_pll_method(parser: _Parser) -> None:
    parser.add_argument(
        "--method",
        metavar="METHOD",
        choices=get_args(PllMethod),
        default=argparse.SUPPRESS,
        help=text("cli.option.pll_method"),
    )


def _add_score(parser: _Parser) -> None:
    parser.add_argument("a", metavar="A", nargs="?", help=text("cli.option.a"))
    parser.add_argument("b", metavar="B", nargs="?", help=text("cli.option.b"))
    parser.add_argument(
        "--text",
        dest="literal",
        metavar="TEXT",
        action="append",
        default=[],
        help=text("cli.option.literal_side"),
    )
    parser.add_argument("--file", metavar="FILE", help=text("cli.option.pairs"))
    _add_model(parser, "score")
    parser.add_argument(
        "--with",
        dest="beside",
        metavar="MODEL",
        action="append",
        default=argparse.SUPPRESS,
        help=text("cli.option.beside"),
    )
    parser.add_argument("--cosine", action="store_true", help=text("cli.option.cosine"))
    _add_number(parser, "--shuffles", int, "N", "score_shuffles")
    _add_precision(parser, "cli.option.precision_default")


def _add_document(parser: _Parser) -> None:
    parser.add_argument("file", metavar="FILE", help=text("cli.option.document"))
    _add_model(parser, "score")
    _add_precision(parser, "cli.option.precision_default")
    parser.add_argument(
        "--witness",
        metavar="NAME",
        choices=get_args(WitnessName),
        help=text("cli.option.witness", names=", ".join(get_args(WitnessName))),
    )
    parser.add_argument("--reference", metavar="N,N", help=text("cli.option.reference"))
    _add_number(parser, "--shuffles", int, "N")
    parser.add_argument("--matrix", action="store_true", help=text("cli.option.matrix"))
    parser.add_argument("--order", action="store_true", help=text("cli.option.order"))


def _add_tokens(parser: _Parser) -> None:
    _add_text(parser, "cli.option.text")
    _add_model(parser, "continue")


def _add_surprisal(parser: _Parser) -> None:
    _add_text(parser, "cli.option.text_or_file", "TEXT|FILE")
    _add_model(parser, "continue")
    _add_precision(parser, "cli.option.precision_default")
    parser.add_argument("--no-start", action="store_true", help=text("cli.option.no_start"))
    parser.add_argument(
        "--word-boundary", action="store_true", help=text("cli.option.word_boundary")
    )


def _add_compare(parser: _Parser) -> None:
    _add_text(parser, "cli.option.text_or_file", "TEXT|FILE")
    parser.add_argument(
        "--model",
        metavar="M",
        action="append",
        default=[],
        help=text("cli.option.compared_model"),
    )
    _add_precision(parser, "cli.option.precision_default")


def _add_bench(parser: _Parser) -> None:
    _add_model(parser, "continue")
    parser.add_argument(
        "--precision",
        metavar="FORM",
        choices=get_args(Precision),
        action="append",
        default=argparse.SUPPRESS,
        help=text("cli.option.bench_precision"),
    )
    parser.add_argument("--quick", action="store_true", help=text("cli.option.quick"))


def _add_models(subcommands: argparse._SubParsersAction[_Parser], common: _Parser) -> None:
    models = subcommands.add_parser("models", help=text("cli.models.title"), given=common.given)
    actions = models.add_subparsers(title=text("cli.commands"), metavar="ACTION", required=True)
    kinds: dict[str, type[invocations.Command]] = {
        "list": invocations.ModelsList,
        "info": invocations.ModelsInfo,
        "pull": invocations.ModelsPull,
        "remove": invocations.ModelsRemove,
    }
    for name, kind in kinds.items():
        parser = _subcommand(actions, name, kind, common, family="models_")
        if name != "list":
            parser.add_argument("model", metavar="MODEL", help=text("cli.option.which_model"))
        if name == "info":
            parser.add_argument("--measure", action="store_true", help=text("cli.option.measure"))
        if name == "pull":
            parser.add_argument(
                "--allow-pickle", action="store_true", help=text("cli.option.allow_pickle")
            )

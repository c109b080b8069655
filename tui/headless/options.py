"""Arguments that several commands take."""

from __future__ import annotations

from argparse import SUPPRESS, ArgumentParser
from typing import get_args

from engine.messages import FormChoice, PllMethod, Role
from tui.strings import text


def add_text(parser: ArgumentParser, key: str = "text", metavar: str = "TEXT") -> None:
    """Add the three ways to give a text. Whether one was given is checked where it is read."""
    ways = parser.add_mutually_exclusive_group()
    ways.add_argument("text", metavar=metavar, nargs="?", help=text(f"cli.option.{key}"))
    ways.add_argument(
        "--text", dest="literal", metavar="TEXT", help=text("cli.option.literal_text")
    )
    ways.add_argument("--file", metavar="FILE", help=text("cli.option.text_file"))


def add_model(parser: ArgumentParser, role: Role) -> None:
    """Add the model, which is by default that of a pane."""
    parser.add_argument(
        "--model", metavar="M", default=SUPPRESS, help=text("cli.option.model_default", pane=role)
    )


def add_precision(parser: ArgumentParser, key: str = "precision_default") -> None:
    """Add the precision that a model is loaded in."""
    parser.add_argument(
        "--precision",
        metavar="FORM",
        choices=get_args(FormChoice),
        default=SUPPRESS,
        help=text(f"cli.option.{key}"),
    )


def add_literal_sides(parser: ArgumentParser) -> None:
    """Add one or two texts that are taken as they are."""
    parser.add_argument(
        "--text",
        dest="literal",
        metavar="TEXT",
        action="append",
        default=[],
        help=text("cli.option.literal_side"),
    )


def add_number(
    parser: ArgumentParser,
    option: str,
    kind: type[int] | type[float],
    metavar: str,
    key: str = "",
) -> None:
    """Add a number; `key` names its help text in the strings, by default the option itself does."""
    key = key or option.removeprefix("--").replace("-", "_")
    parser.add_argument(option, type=kind, metavar=metavar, help=text(f"cli.option.{key}"))


def add_pll_method(parser: ArgumentParser) -> None:
    """Add the way in which a masked model scores a text."""
    parser.add_argument(
        "--method",
        metavar="METHOD",
        choices=get_args(PllMethod),
        default=SUPPRESS,
        help=text("cli.option.pll_method"),
    )


def add_shards(parser: ArgumentParser) -> None:
    """Add what has the rows of a file scored in shards, which are kept in a folder."""
    parser.add_argument("--out", metavar="DIR", help=text("cli.option.out_shards"))
    add_number(parser, "--shard-rows", int, "N")
    add_number(parser, "--workers", int, "N")
    add_number(parser, "--threads", int, "N", "shard_threads")
    parser.add_argument(
        "--on", metavar="WHERE", action="append", default=[], help=text("cli.option.shard_places")
    )

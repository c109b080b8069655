"""What argparse says by itself, in the user's language and in lines of the right width."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Final

from tui.strings import text

_KEYS: Final[Mapping[str, str]] = {
    "usage: ": "usage",
    "options": "options",
    "positional arguments": "arguments",
    "show this help message and exit": "show_help",
    "argument %(argument_name)s: %(message)s": "argument",
    "the following arguments are required: %s": "required",
    "invalid %(type)s value: %(value)r": "no_value",
    "invalid choice: %(value)r (choose from %(choices)s)": "no_choice",
    "expected one argument": "expects_one",
    "expected at least one argument": "expects_some",
    "ignored explicit argument %r": "takes_none",
    "not allowed with argument %s": "not_both",
    "one of the arguments %s is required": "one_of",
}
"""Where the strings file has each sentence, under ``cli.parser``. `%` fields are argparse's."""


def install() -> None:
    """Have argparse ask here for its sentences.

    It asks gettext, by the name `_` in its module; gettext knows only the locale's language and
    wants compiled catalogues.
    """
    vars(argparse)["_"] = translated


def translated(sentence: str) -> str:
    """A sentence of argparse's; those that only a programmer can cause stay as they are."""
    key = _KEYS.get(sentence)
    return text(f"cli.parser.{key}") if key else sentence


class HelpFormatter(argparse.RawDescriptionHelpFormatter):
    """Breaks the help of options by terminal cells, of which a kanji takes two."""

    def _split_lines(self, text: str, width: int) -> list[str]:
        from tui.render.flow import Span, wrap  # only where help is shown

        return [line.text for line in wrap([Span(" ".join(text.split()))], width)]

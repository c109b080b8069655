"""Write man/tsuzuki.1 from the command line's own definitions and texts (Python 3.11)."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from argparse_manpage.manpage import Manpage

from tui.headless.args import whole_parser

FILE = Path(__file__).parents[1] / "man" / "tsuzuki.1"


def page() -> str:
    """The manual page, in roff."""
    facts = {
        "date": "tsuzuki",
        "version": version("tsuzuki"),
        "manual_title": "tsuzuki",
        "description": "explore language models in the terminal",
    }
    return f"{Manpage(whole_parser(), facts)}\n"


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")

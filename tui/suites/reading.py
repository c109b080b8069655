"""A file's suites, of either kind."""

from __future__ import annotations

from tui.strings import text
from tui.suites import blimp, syntaxgym
from tui.suites.suite import Suite, Unreadable


def read(content: str, name: str) -> list[Suite]:
    """The suites of a file's text, in which bytes that are no UTF-8 are lone surrogates.

    `name` is that of a suite that names none itself.

    Raises:
        Unreadable: it holds none.
    """
    if not content.strip():
        raise Unreadable(text("suites.nothing"))
    return blimp.read(content, name) if blimp.is_one(content) else [syntaxgym.read(content, name)]

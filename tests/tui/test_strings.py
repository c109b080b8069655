"""The strings file says everything that the interface says, and nothing else."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

from tui import strings

ROOT = Path(strings.__file__).parents[2]
FILES = [*ROOT.glob("tui/**/*.py"), *ROOT.glob("themes/*.py")]


TEXTS = {
    key: written
    for key, written in strings.table("en").items()
    if not key.startswith("engine.")  # see tests/tui/strings/test_engine_messages.py
}


def used() -> Iterator[re.Pattern[str]]:
    """Every string in the code that could be a key; gaps match anything."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield re.compile(re.escape(node.value))
            elif isinstance(node, ast.JoinedStr):
                parts = [
                    re.escape(str(part.value)) if isinstance(part, ast.Constant) else r"[\w.]+"
                    for part in node.values
                ]
                # One that begins with a gap could be anything, and proves nothing.
                if re.match(r"\w+\\\.", parts[0]):
                    yield re.compile("".join(parts))


def asked() -> Iterator[tuple[str, str]]:
    """Every key that the code asks for outright, with its place."""
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Name(id="text"), args=[ast.Constant(value=str() as key)]):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", key


def test_every_key_asked_for_is_there() -> None:
    assert [(where, key) for where, key in asked() if key not in TEXTS] == []


def test_every_text_is_used() -> None:
    patterns = list(used())
    unused = [key for key in sorted(TEXTS) if not any(p.fullmatch(key) for p in patterns)]
    assert unused == []


def test_every_placeholder_is_a_name() -> None:
    for key, written in TEXTS.items():
        for _, name, _, _ in string.Formatter().parse(written):
            assert name is None or name.isidentifier(), key


def test_a_count_chooses_between_singular_and_plural() -> None:
    assert strings.text("screens.tree.count", n=1) == "Tree: 1 path"
    assert strings.text("screens.tree.count", n=2) == "Tree: 2 paths"


IN_CODE = {
    "tui/history/schema.py",
    "tui/render/tensors.py",
    "tui/render/lesson.py",
    "tui/render/inside/walk.py",
    "tui/render/inside/view.py",
}
"""These write numbers as Python does, or SQL."""
EDITED = {"tui/panes/fill.py", "tui/panes/fill_actions.py", "tui/screens/sampling.py"}
"""These write what is read back: commas, in every language."""


def test_lists_are_separated_by_the_strings_alone() -> None:
    joined = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute)
        and node.attr == "join"
        and isinstance(node.value, ast.Constant)
        and node.value.value == ", "
    }
    assert joined - IN_CODE - EDITED == set()

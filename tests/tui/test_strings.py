"""The strings file says everything that the interface says, and nothing else."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui import strings
from tui.config.settings import Loaded, Settings
from tui.keys import keymap
from tui.keys.actions import BY_ID

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


def test_every_placeholder_is_a_name_or_the_key_of_an_action() -> None:
    for key, written in TEXTS.items():
        for _, name, _, _ in string.Formatter().parse(written):
            asked = re.fullmatch(r"keys\[(\w+)\]", name or "")
            assert name is None or name.isidentifier() or (asked and asked[1] in BY_ID), key


@pytest.mark.parametrize("language", strings.LANGUAGES)
def test_no_text_names_a_key_that_can_be_changed(language: strings.Language) -> None:
    """Ctrl+Z is the text fields' own; so are Tab, Enter and the arrows in a form."""
    named = re.compile(r"Ctrl\+(?!Z)|Shift\+|\bF[0-9]+\b|\bEsc(ape)?\b", re.ASCII)
    assert [key for key, text in strings.table(language).items() if named.search(text)] == []


def test_a_text_names_the_key_in_force() -> None:
    settings = Settings(keymap={"mask_word": "f11", "pair": []})
    strings.name_keys(keymap.resolve(Loaded(Path("s"), settings)).way)
    written = strings.text("pane.fill.then")
    assert written.startswith("F11 hides the word")
    assert 'Ctrl+P "Compare" compares it' in written
    strings.name_keys(lambda action_id: f"<{action_id}>")
    assert strings.text("pane.fill.then").startswith("<mask_word> hides")


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
EDITED = {
    "tui/panes/fill.py",
    "tui/panes/fill_actions.py",
    "tui/panes/tracking.py",
    "tui/screens/sampling.py",
}
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

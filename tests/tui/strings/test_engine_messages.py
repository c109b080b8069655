"""Every message of the engine has its sentences, and every sentence a message that needs it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
from engine.store import catalog
from tui import strings

ENGINE = Path(engine.__file__).parent
MAKERS = {"failure", "refusal"}
"""Called with a kind and the name of two sentences."""
REASONS = {"Broken", "Damaged", "Fault", "Unreadable", "Unsendable", "Message.of"}
"""Called with an id, or with a message."""
OWN = {"errors.py", "messages/message.py"}
"""Where those are defined."""


def sent() -> dict[str, set[frozenset[str]]]:
    """The ids in the engine's source, with the names of the arguments that they are given."""
    found: dict[str, set[frozenset[str]]] = defaultdict(set)
    for path in ENGINE.rglob("*.py"):
        own = str(path.relative_to(ENGINE)) in OWN
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and not (own and _passes_on(node)):
                for key, names in _sent(node):
                    found[key].add(names)
    for entry in catalog.load():
        if entry.note:
            found[entry.note].add(frozenset())
    return found


def _passes_on(call: ast.Call) -> bool:
    return any(word.arg is None for word in call.keywords)


def _sent(call: ast.Call) -> Iterator[tuple[str, frozenset[str]]]:
    maker = ast.unparse(call.func)
    names = frozenset(str(word.arg) for word in call.keywords)
    if maker in MAKERS:
        for name in _literals(call.args[1]):
            for part in ("message", "hint"):
                yield f"{name}.{part}", names
    elif maker in REASONS and call.args and names | set(_literals(call.args[0])):
        for key in _literals(call.args[0]):
            yield key, names


def _literals(node: ast.expr) -> list[str]:
    match node:
        case ast.Constant(str() as value):
            return [value]
        case ast.IfExp(body=body, orelse=orelse):
            return _literals(body) + _literals(orelse)
    return []


def test_the_walk_finds_messages_of_every_kind() -> None:
    found = sent()
    assert {"text_too_long.hint", "reason.unreadable", "stage.weights", "note.gpt2"} <= found.keys()


@pytest.mark.parametrize("language", strings.LANGUAGES)
def test_what_the_engine_sends_is_what_the_strings_hold(language: strings.Language) -> None:
    held = {
        key.removeprefix("engine."): names
        for key, names in strings.placeholders(language).items()
        if key.startswith("engine.")
    }
    found = sent()
    assert found.keys() - held.keys() == set(), "without a sentence"
    assert held.keys() - found.keys() == set(), "never sent"
    for key, given in found.items():
        assert len(given) == 1, f"{key} is sent with different arguments"
        (names,) = given
        assert held[key] <= names, f"{key} has placeholders that it is not given"
    for name in {key.removesuffix(".hint") for key in held if key.endswith(".hint")}:
        (names,) = found[f"{name}.hint"]
        assert held[f"{name}.hint"] | held[f"{name}.message"] == names, f"{name} leaves some out"
    for key in held:
        if key.startswith(("reason.", "stage.")):
            assert {held[key]} == found[key], f"{key} leaves an argument out"

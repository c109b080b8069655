"""The borders between the packages, read from the sources and tried in a fresh process."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports(source: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def sources(*packages: str) -> list[Path]:
    return sorted(path for package in packages for path in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("source", sources("tui", "themes"), ids=str)
def test_the_front_knows_of_the_engine_only_its_client_and_messages(source: Path) -> None:
    for name in imports(source):
        top, _, rest = name.partition(".")
        assert top not in {"torch", "transformers", "sentencepiece", "tokenizers"}, name
        if top == "engine" and rest:
            assert rest.split(".")[0] in {"client", "messages"}, name


@pytest.mark.parametrize("source", sources("engine"), ids=str)
def test_the_engine_knows_no_screen(source: Path) -> None:
    tops = {name.partition(".")[0] for name in imports(source)}
    assert not tops & {"tui", "themes", "textual", "rich"}


def test_a_running_front_has_no_model_library_in_it() -> None:
    script = """
import asyncio, json, sys
from tui.app import TsuzukiApp

async def main():
    app = TsuzukiApp()
    async with app.run_test() as pilot:
        await pilot.press("f3", "f8", "escape", "f1")
    return sorted({name.partition(".")[0] for name in sys.modules})

print(json.dumps(asyncio.run(main())))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    assert "textual" in loaded
    assert not loaded & {"torch", "transformers", "sentencepiece", "tokenizers", "numpy"}

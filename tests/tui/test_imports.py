"""A running front holds no model library; who may import whom is in pyproject.toml's contracts."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


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

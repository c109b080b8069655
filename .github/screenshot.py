"""Draw the README's picture: the app itself, on the bundled model, driven by its keys.

python .github/screenshot.py .github/continue.svg
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path


async def draw() -> str:
    """Run the first example, colour it by surprisal and walk back over it; return it as SVG."""
    from tui.app import TsuzukiApp

    app = TsuzukiApp()
    async with app.run_test(size=(120, 30)) as pilot:
        await pilot.press("enter")
        deadline = asyncio.get_running_loop().time() + 120
        while not any(card.status == "done" for card in app.panes["continue"].transcript.cards):
            await asyncio.sleep(0.2)
            if asyncio.get_running_loop().time() > deadline:
                raise TimeoutError("the engine did not answer")
        await pilot.press("shift+tab", "v", *["left"] * 30)
        await pilot.pause(1)
        return app.export_screenshot(title="tsuzuki")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home:
        for kind in ("CONFIG", "STATE", "DATA"):
            os.environ[f"TSUZUKI_{kind}_HOME"] = home
        Path(sys.argv[1]).write_text(asyncio.run(draw()), encoding="utf-8")

"""From starting the engine to the bundled model's first token, against importing torch alone."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing
from pathlib import Path
from tempfile import TemporaryDirectory

from engine.bench.timing import seconds, turns
from engine.client import Engine
from engine.messages import GREEDY, Configure, Continue, Measured, Token

MODEL = "starter-ja"


def start(store: Path, rounds: int) -> Iterator[Measured]:
    """Seconds until a newly started engine sends its first token."""
    found = turns(
        {
            "ours": lambda: seconds(lambda: asyncio.run(_first(store))),
            "torch": lambda: seconds(_torch),
        },
        rounds,
    )
    yield Measured(
        group="start",
        case=f"{MODEL}, the first token",
        unit="s",
        value=found["ours"],
        peers={"python -c 'import torch'": found["torch"]},
    )


async def _first(store: Path) -> None:
    with TemporaryDirectory() as place:
        engine = await Engine.start(Configure(store=str(store)), Path(place, "log"))
        request = Continue(model=MODEL, prompt="東京の街は", sampling=GREEDY, max_tokens=1)
        async with aclosing(engine.request(request)) as events:
            async for event in events:
                if isinstance(event, Token):
                    break
        await engine.stop()


def _torch() -> None:
    subprocess.run([sys.executable, "-P", "-c", "import torch"], check=True)

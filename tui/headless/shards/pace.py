"""How many rows are done, how fast, and the time left."""

from __future__ import annotations

import time

from tui.headless.io.output import Output
from tui.headless.shards.folder import Manifest
from tui.strings import text
from tui.terminal.forecast import Forecast


class Pace:
    """Shows the progress of a run: where lines can be replaced at every step, else by the shard."""

    def __init__(self, manifest: Manifest, missing: int, output: Output) -> None:
        """Begin with shards that are still to be scored."""
        self._manifest = manifest
        self._output = output
        self._shards = len(manifest.shards) - missing
        self._begun: dict[int, int] = {}
        """How many rows are done of the shards that are under way."""
        self._stored = self._at_first = min(self._shards * manifest.shard_rows, manifest.rows)
        self._began = time.monotonic()
        self._forecast = Forecast()

    def progress(self, shard: int, rows: int) -> None:
        """Some rows of a shard are done."""
        self._begun[shard] = rows
        if self._output.redraws:
            self._show()

    def given_up(self, shard: int) -> None:
        """A shard has to be begun again."""
        self._begun.pop(shard, None)

    def stored(self, shard: int) -> None:
        """A shard is done."""
        self._begun.pop(shard, None)
        self._shards += 1
        span = self._manifest.span(shard)
        self._stored += span.stop - span.start
        self._show()

    def _show(self) -> None:
        rows = self._stored + sum(self._begun.values())
        rate = (rows - self._at_first) / max(time.monotonic() - self._began, 1e-3)
        step = text(
            "shards.step",
            done=self._shards,
            total=len(self._manifest.shards),
            rate=f"{rate:.0f}" if rate >= 10 else f"{rate:.1f}",
            rows=self._forecast.count(rows, self._manifest.rows),
        )
        self._output.status(step)

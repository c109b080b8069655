"""How a screen is drawn again: only what changed. The one place that changes Textual's compositor.

For one line that changed, Textual 8.2.8 goes through every line of every widget on the screen,
which a streaming text would ask for many times a second.
"""

from __future__ import annotations

from collections.abc import Iterable

from textual._compositor import ChopsUpdate, Compositor
from textual.geometry import Region
from textual.strip import Strip


class PartialCompositor(Compositor):
    """Textual's compositor, which asks widgets only for the rows that are to be drawn."""

    def __init__(self) -> None:
        super().__init__()
        self._wanted: frozenset[Region] = frozenset()
        """What a partial update is to show; empty while everything is drawn."""

    def render_partial_update(self) -> ChopsUpdate | None:
        """Draw the dirty regions."""
        self._wanted = frozenset(self._dirty_regions)
        try:
            return super().render_partial_update()
        finally:
            self._wanted = frozenset()

    def _get_renders(
        self, crop: Region | None = None
    ) -> Iterable[tuple[Region, Region, list[Strip]]]:
        """Of each widget the wanted rows, and those between them; front to back."""
        if not self._wanted:
            yield from super()._get_renders(crop)
            return
        for widget, (region, clip) in self.visible_widgets.items():
            seen = region.intersection(clip)
            wanted = [part for part in self._wanted if part.overlaps(seen)]
            if wanted:
                rows = Region.from_union(wanted)
                # As wide as the widget: only its edges are places to cut at.
                seen = seen.intersection(Region(seen.x, rows.y, seen.width, rows.height))
                yield seen, seen, widget.render_lines(seen.translate(-region.offset))

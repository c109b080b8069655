"""The JSON of `tsuzuki suite --json`."""

from __future__ import annotations

from msgspec import Struct

from tui.suites.suite import ItemName


class SuiteItem(Struct, frozen=True, kw_only=True):
    """An item: which predictions hold, and the bits of each region by condition.

    None where a figure is missing: the first piece of a sentence has none under a model without a
    start token.
    """

    item: ItemName
    predictions: list[bool | None]
    regions: dict[str, list[float | None]]


class SuiteDocument(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`tsuzuki suite --json`, a line for each suite; `accuracy` is a share for each prediction."""

    suite: str
    model: str
    items: list[SuiteItem]
    accuracy: list[float | None]
    errors: list[str] = []
    """What could not be scored, and why."""

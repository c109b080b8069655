"""The sentences of items as one request to the engine, and the answers put together again."""

from __future__ import annotations

from collections.abc import Sequence

from engine.messages import PllMethod, PrecisionChoice, ScoreTexts, TextScore, TextToken
from tui.strings import text, worded
from tui.suites.results import SuiteItem
from tui.suites.suite import Item, ItemName, Suite


class Asking:
    """Some items of a suite that are asked for, each of which is whole at its last sentence."""

    def __init__(
        self,
        suite: Suite,
        items: Sequence[Item],
        model: str,
        precision: PrecisionChoice,
        method: PllMethod | None = None,
    ) -> None:
        """`method` is that of a masked model."""
        self._suite = suite
        self._places = [(item, condition) for item in items for condition in item.conditions]
        self._tokens: dict[ItemName, dict[str, list[TextToken]]] = {}
        self._failed: set[ItemName] = set()
        self.request = ScoreTexts(
            model=model,
            texts=[item.conditions[condition].text for item, condition in self._places],
            method=method,
            precision=precision,
        )

    def take(self, score: TextScore) -> SuiteItem | str | None:
        """The item that this was the last sentence of, or why it cannot be scored; else nothing."""
        item, condition = self._places[score.index]
        own = self._tokens.setdefault(item.name, {})
        own[condition] = score.tokens
        if score.error is not None and item.name not in self._failed:
            self._failed.add(item.name)
            reason = worded(score.error.message, score.error.hint)
            return text("suites.item", item=item.name, reason=reason)
        if len(own) < len(item.conditions) or item.name in self._failed:
            return None
        del self._tokens[item.name]
        bits = {name: sentence.surprisals(own[name]) for name, sentence in item.conditions.items()}
        return SuiteItem(
            item=item.name,
            predictions=[item.holds(formula, bits) for formula in self._suite.predictions],
            regions=bits,
        )

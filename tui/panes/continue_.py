"""The pane where a causal model goes on from a prompt."""

from __future__ import annotations

from typing import ClassVar

from engine.messages import Continue
from tui.cards import ContinueCard, Pane
from tui.drafts import Draft
from tui.panes.base import TaskPane
from tui.strings import text


class ContinuePane(TaskPane):
    """Continue."""

    role: ClassVar[Pane] = "continue"

    def build(self, draft: Draft) -> ContinueCard | None:
        """A continuation of the text; an empty one is nothing to go on from."""
        if not draft.text:
            self.notice(text("notice.nothing"))
            return None
        request = Continue(
            model=draft.model,
            prompt=draft.text,
            sampling=draft.sampling,
            max_tokens=draft.max_tokens,
            stop=list(draft.stop),
            branches=draft.branches,
        )
        return ContinueCard(request=request, prompt=draft.text)

    def parameters(self) -> str:
        """How the next token is drawn."""
        sampling = self.draft.sampling
        parts = [text("composer.greedy")] if sampling.greedy else [f"T {sampling.temperature:g}"]
        if not sampling.greedy:
            parts += [f"k {sampling.top_k}"] if sampling.top_k else []
            parts += [f"p {sampling.top_p:g}"] if sampling.top_p < 1 else []
            parts += [f"min-p {sampling.min_p:g}"] if sampling.min_p else []
            parts += [f"typ {sampling.typical_p:g}"] if sampling.typical_p < 1 else []
            if sampling.seed is not None:
                parts.append(text("composer.seed", seed=sampling.seed))
        if sampling.repetition_penalty != 1:
            parts.append(f"rep {sampling.repetition_penalty:g}")
        parts.append(text("composer.tokens", n=self.draft.max_tokens))
        if self.draft.branches > 1:
            parts.append(text("composer.branches", n=self.draft.branches))
        return self.shared.glyphs.dot.join(parts)

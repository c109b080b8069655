"""Which model scores a minimal pair beside the pane's own. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping

from engine.messages import Head, ModelInfo


def able(models: Mapping[str, ModelInfo], head: Head) -> list[str]:
    """The models on this machine that have a head."""
    here = ("on_disk", "loading", "ready")
    return [model for model, info in models.items() if head in info.heads and info.state in here]


def partner(models: Mapping[str, ModelInfo], model: str, head: Head, default: str) -> str | None:
    """A model with this head: the role's default where it shares a language with `model`, else the
    first that does, else the default, else any; None where there is none here."""
    candidates = able(models, head)
    known = set(models[model].languages) if model in models else set()
    ordered = sorted(candidates, key=lambda each: each != default)
    sharing = [each for each in ordered if known & set(models[each].languages)]
    return next(iter([*sharing, *ordered]), None)

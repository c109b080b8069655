"""How the form of a model's weights is written: "exact", or "exact of Q4_1" after a GGUF file."""

from __future__ import annotations

from typing import Protocol

from engine.messages import ModelInfo
from tui.strings import text


class Ran(Protocol):
    """Anything that records the form in which a model answered."""

    @property
    def precision(self) -> str:
        """The form; empty until the answer says it."""

    @property
    def weights(self) -> str:
        """How the file stored what it was made of, where that was not as it is."""


def form(ran: Ran) -> str:
    """The form that a model answered in, and what it was made of."""
    return made_of(ran.precision, ran.weights) if ran.precision else ""


def made_of(precision: str, weights: str) -> str:
    """A form, and what it was made of where that says more."""
    return text("card.form_of", form=precision, weights=weights) if weights else precision


def plain(ran: Ran) -> bool:
    """Whether it answered just as its files have it, so that nothing needs saying."""
    return ran.precision == "exact" and not ran.weights


def forms(info: ModelInfo) -> list[str]:
    """The forms that a model can have; exact says what it was made of, as for the others."""
    names = info.precisions or (["exact"] if info.weights else [])
    return [made_of(name, info.weights) if name == "exact" else name for name in names]

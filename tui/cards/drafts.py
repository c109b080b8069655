"""What is in a pane's composer before it is sent, and the notebook's examples to begin with."""

from __future__ import annotations

from typing import get_args

import msgspec
from msgspec import Struct

from engine.messages import GREEDY, JointMethod, PllMethod, PrecisionChoice, Sampling
from tui.cards import Pane
from tui.config.settings import PaneModels, Settings


class Draft(Struct, frozen=True, kw_only=True):
    """A pane's unsent text and all that decides what sending it asks for."""

    model: str
    text: str = ""
    """The prompt, the text with masks, or Score's first sentence."""
    second: str = ""
    """Score's second sentence; in Fill, the sentence that the text is compared with."""
    hidden: tuple[str | None, ...] = ()
    """Fill: for the masks in order, the word that each one hides, None where there is none."""
    sampling: Sampling = Sampling()
    max_tokens: int = 64
    branches: int = 1
    stop: tuple[str, ...] = ()
    top: int = 5
    """Fill: how many candidates a mask gets."""
    pieces: int = 1
    """Fill: how many pieces a word may have."""
    joint: tuple[JointMethod, ...] = get_args(JointMethod)
    """Fill: how several masks are filled together."""
    words: str | None = None
    """Fill: words to score at every mask, with commas between them, or a file."""
    pll: PllMethod = "original"
    """Fill: how a masked model scores the sentences of a minimal pair."""
    other: str = ""
    """Fill: the model that scores a minimal pair beside this one; empty leaves it to the app."""
    chat: bool = False
    system: str = ""
    """Continue: the system prompt of a chat."""
    precision: PrecisionChoice = "exact"
    """The form of the model's weights, where it can have that form."""


WORDS = ("text", "second", "hidden", "words")
"""What a draft asks about; the rest is how it asks."""

_MODELS = PaneModels()
FIRST: dict[Pane, Draft] = {
    "continue": Draft(
        model=_MODELS.continue_,
        text="羽田空港に到着、東京の街は",
        sampling=GREEDY,
        max_tokens=43,
    ),
    "fill": Draft(
        model=_MODELS.fill,
        text="I played [MASK] with my friends at school yesterday",
        hidden=("baseball",),
    ),
    "score": Draft(
        model=_MODELS.score,
        text="What is baseball ?",
        second="It is a geme of hitting the ball with the bat.",
    ),
}
"""The first drafts: one Enter gives an answer."""


def first(pane: Pane, settings: Settings) -> Draft:
    """The newcomer's example as the settings want it; what they leave open is the notebook's."""
    example, usual, began = FIRST[pane], Settings(), fresh(pane, settings)
    words = {name: getattr(example, name) for name in WORDS}
    began = msgspec.structs.replace(began, **words)
    if settings.sampling == usual.sampling:
        began = msgspec.structs.replace(began, sampling=example.sampling)
    if settings.max_tokens == usual.max_tokens:
        began = msgspec.structs.replace(began, max_tokens=example.max_tokens)
    return began


def fresh(pane: Pane, settings: Settings) -> Draft:
    """An empty draft as the settings want it."""
    return Draft(
        model=settings.models.of(pane),
        sampling=settings.sampling,
        max_tokens=settings.max_tokens,
        branches=settings.branches,
        top=settings.fill_top,
        precision=settings.precision,
    )


def merged(began: Draft, now: Draft, found: Draft) -> Draft:
    """A draft that was found, with what was changed meanwhile in the one shown in its place.

    What was written comes behind what was found; all else that was changed counts as it is now.
    """
    changed: dict[str, object] = {
        name: getattr(now, name)
        for name in Draft.__struct_fields__
        if getattr(now, name) != getattr(began, name) and name != "hidden"
    }
    for name in ("text", "second"):
        if name in changed:
            changed[name] = getattr(found, name) + typed_since(
                getattr(began, name), getattr(now, name)
            )
    return msgspec.structs.replace(found, **changed)


def typed_since(before: str, after: str) -> str:
    """What was written into a text since: all but what it begins and ends with as before."""
    start = _alike(before, after)
    end = _alike(before[start:][::-1], after[start:][::-1])
    return after[start : len(after) - end]


def _alike(one: str, other: str) -> int:
    """How many characters two texts have in common at their beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))

"""Before a text is run: whether the model suits it, and if not, which model would."""

from __future__ import annotations

import re
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

from engine.messages import MASK, ModelInfo, Role, Tokenize, Tokens
from tui.analysis.naming import short_name
from tui.analysis.scripts import JAPANESE
from tui.cards.drafts import FIRST, Draft
from tui.strings import text
from tui.terminal.sanitise import clean
from tui.terminal.units import size

if TYPE_CHECKING:
    from tui.connection.link import Link

LIMIT: Final = 0.3
"""From this share of unknown or foreign text on, a warning comes before the answer."""

_JAPANESE: Final = re.compile(f"[{JAPANESE}]")
_LATIN: Final = re.compile(r"[A-Za-z]")


@dataclass(frozen=True)
class Offer:
    """What one key would do instead; without a model, no better one is here."""

    message: str
    model: str | None = None
    pull: bool = False


def absent(info: ModelInfo) -> Offer:
    """The offer to pull a model that is not here."""
    message = text("offer.absent", model=clean(info.title), size=size(info.bytes))
    return Offer(message, info.id, pull=True)


async def judge(link: Link, role: Role, draft: Draft) -> Offer | None:
    """What to show before running a draft; None when its model suits it.

    Raises:
        OSError: the engine cannot be started.
    """
    if draft == FIRST[role]:
        return None
    info = link.models.get(draft.model)
    if info is not None and info.state == "absent":
        return absent(info)
    # A mask is no word of any language, and to a causal model it would be mere brackets.
    written = f"{draft.text} {draft.second}".replace(MASK, "")
    share = await unknown(link, draft.model, written)
    if share < LIMIT:
        return None
    title = clean(_name(link, draft.model))
    percent = f"{share:.0%}"
    better = _better(link, role, draft.model, written)
    if better is None:
        return Offer(text("offer.nothing", model=title, share=percent))
    which = "offer.pull" if better.state == "absent" else "offer.use"
    other = clean(_name(link, better.id))
    download = size(better.bytes)
    message = text(which, model=title, share=percent, other=other, size=download)
    return Offer(message, better.id, pull=better.state == "absent")


def _name(link: Link, model: str) -> str:
    """A model's id, which reads better within a sentence than its title; a path is too long."""
    return link.title(model) if PurePath(model).is_absolute() else short_name(model)


async def unknown(link: Link, model: str, written: str) -> float:
    """The share (0 to 1) of a text that is unknown or foreign to a model; 0 where it cannot say.

    Raises:
        OSError: the engine cannot be started.
    """
    async with aclosing(await link.request(Tokenize(model=model, text=written))) as events:
        async for event in events:
            if isinstance(event, Tokens):
                return max(event.unknown, event.foreign)
    return 0.0


def _better(link: Link, role: Role, model: str, written: str) -> ModelInfo | None:
    """The model to offer: one for the text's language, at hand rather than far, small."""
    return reader(link, role, language_of(written), model)


def language_of(written: str) -> str:
    """The language of a text, Japanese or English, by its letters."""
    japanese, latin = len(_JAPANESE.findall(written)), len(_LATIN.findall(written))
    return "ja" if japanese >= latin else "en"


def reader(link: Link, role: Role, language: str, other_than: str) -> ModelInfo | None:
    """The best model for a language: at hand rather than far, small."""
    able = [
        info
        for info in link.fitting(role)
        if info.id != other_than and language in info.languages and info.state != "failed"
    ]
    return min(able, key=lambda info: (info.state == "absent", info.bytes), default=None)

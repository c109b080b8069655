"""The scores of any number of texts, asked for in parts and given as they are ready."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from msgspec import structs

from engine.messages import ScoredBy, ScoreTexts, TextScore
from tui.headless.io.session import Session

AT_ONCE = 2000
"""Texts of one request: many enough to find others of their length."""


async def scores(
    session: Session, request: ScoreTexts
) -> AsyncGenerator[ScoredBy | TextScore, None]:
    """What scores the texts, first and once; then each score, by its index in `request.texts`.

    Raises:
        Failure: the engine answered with an error.
    """
    for first in range(0, len(request.texts), AT_ONCE):
        part = structs.replace(request, texts=request.texts[first : first + AT_ONCE])
        async for event in session.events(part):
            if isinstance(event, TextScore):
                yield structs.replace(event, index=first + event.index)
            elif isinstance(event, ScoredBy) and not first:
                yield event

"""What a model's context holds, in the words that a person is told."""

from __future__ import annotations

from engine.errors import EngineError
from engine.messages import Error
from engine.model import LoadedModel


def check_length(model: LoadedModel, length: int, context: int | None) -> None:
    """Refuse an input of more tokens than the model's context holds.

    Raises:
        EngineError: ``too_long``, with both numbers.
    """
    if context is not None and length > context:
        raise EngineError(
            Error(
                kind="too_long",
                message=f"The text has {length} tokens; {model.files.id} takes {context}.",
                hint=f"Shorten it by {length - context} tokens or more.",
            )
        )

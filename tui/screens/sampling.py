"""What can be set about drawing tokens, as the rows of a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

import msgspec

from engine.messages import Continue, Fill, JointMethod, PllMethod, Sampling
from tui.cards.drafts import Draft
from tui.screens.forms import Field, escape

_DRAWING: Final = tuple(field.name for field in msgspec.structs.fields(Sampling))
_LENGTH: Final = ("max_tokens", "branches")


def _kinds(struct: type[msgspec.Struct]) -> dict[str, object]:
    """The types of a struct's fields, with the limits that the contract sets."""
    return {field.name: field.type for field in msgspec.structs.fields(struct)}


def sampling_fields(sampling: Sampling) -> list[Field]:
    """How one token is drawn."""
    kinds, values = _kinds(Sampling), msgspec.structs.asdict(sampling)
    return [Field(name, kinds[name], _written(values[name])) for name in _DRAWING]


def continue_fields(draft: Draft) -> list[Field]:
    """How a continuation is drawn."""
    kinds, values = _kinds(Continue), msgspec.structs.asdict(draft)
    rows = sampling_fields(draft.sampling)
    rows += [Field(name, kinds[name], _written(values[name])) for name in _LENGTH]
    # Line ends and tabs are written as in Python; a bar separates two strings.
    stop = "|".join(escape(part) for part in draft.stop)
    return [*rows, Field("stop", None, stop)]


def fill_fields(draft: Draft) -> list[Field]:
    """Which words are proposed, and how minimal pairs are scored."""
    kinds = _kinds(Fill)
    return [
        Field("words", str | None, draft.words or ""),
        Field("top", kinds["top"], str(draft.top)),
        Field("pieces", kinds["pieces"], str(draft.pieces)),
        Field("joint", None, ", ".join(draft.joint), get_args(JointMethod), many=True),
        Field("pll", PllMethod, draft.pll, get_args(PllMethod)),
    ]


def apply(draft: Draft, values: Mapping[str, object]) -> Draft:
    """The draft with what the form gave."""
    drawing = {name: value for name, value in values.items() if name in _DRAWING}
    rest = {name: value for name, value in values.items() if name not in _DRAWING}
    sampling = msgspec.structs.replace(draft.sampling, **drawing)
    return msgspec.structs.replace(draft, sampling=sampling, **rest)


def _written(value: object) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)

"""The precisions in which a model's weights can be loaded, and about how much memory each takes.

Both depend on the model type alone; nothing here imports torch. A precision is also called a form.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from engine.errors import refusal
from engine.interfaces import ModelFiles
from engine.messages import Precision

PACKED = frozenset({"gpt2", "llama", "mistral", "qwen2", "qwen3", "gemma3_text"})
"""Causal model types that have several forms; the others run in fp32, by transformers."""

Form = Precision | Literal["inside"]
"""What can be in memory of a model: its weights in a precision, to run it, or ``inside``:
transformers' own class in fp32, to look into it."""

QUANTISED: frozenset[Precision] = frozenset({"int8", "int4"})
"""Forms that run as a graph, on the CPU alone."""

_SHARE: Mapping[Precision, float] = {"exact": 1.05, "bf16": 0.525, "int8": 0.5, "int4": 0.35}
"""Memory relative to fp32, without what is mapped from the store. In PyTorch a tied embedding is
there twice, once to look up and once laid out to multiply: 1.21, 0.60, 0.45 and 0.32 for SmolLM2, a
fifth of which is embedding; 1.64, 0.82, 0.39 and 0.32 for a Gemma 3 of 63 percent."""


def forms(model_type: str) -> tuple[Precision, ...]:
    """The forms that a model type can have here, the most exact first."""
    return ("exact", "bf16", "int8", "int4") if model_type in PACKED else ("exact",)


def estimated_bytes(files: ModelFiles, form: Form) -> int:
    """Estimated bytes of a model in a form.

    Raises:
        EngineError: ``unable``, if this model type cannot have that form.
    """
    if form == "inside" or (form == "served" and files.server is not None):
        return files.memory
    if form not in forms(files.model_type):
        raise refusal("unable", "no_such_form", model=files.id, form=form)
    if files.model_type not in PACKED:
        return files.memory
    twice = 0 if form in QUANTISED else files.tied
    return int((files.memory + twice) * _SHARE[form])

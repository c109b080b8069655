"""Which forms a model's weights can have in memory, and about how much each takes.

Known from the kind of model alone: nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.errors import EngineError
from engine.interfaces import ModelFiles
from engine.messages import Error, Precision

PACKED = frozenset({"gpt2", "llama", "mistral", "qwen2", "qwen3"})
"""Kinds of causal model that the packed decoder knows; the others run in fp32, as they are."""

QUANTISED: frozenset[Precision] = frozenset({"int8", "int4"})
"""Forms that are laid out for kernels which the CPU alone has."""

_SHARE: Mapping[Precision, float] = {"exact": 1.25, "bf16": 0.65, "int8": 0.4, "int4": 0.25}
"""Bytes by the bytes of fp32. Exact and bf16 hold an embedding that is also the output layer
twice, once to look up and once laid out to multiply: 1.21, 0.60, 0.37 and 0.21 for SmolLM2, whose
embedding is a fifth of it."""


def forms(model_type: str) -> tuple[Precision, ...]:
    """The forms that a kind of model can have, the most exact first."""
    return ("exact", "bf16", "int8", "int4") if model_type in PACKED else ("exact",)


def estimated_bytes(files: ModelFiles, precision: Precision) -> int:
    """Estimated bytes of a model in a form.

    Raises:
        EngineError: ``unable``, when this kind of model cannot have that form.
    """
    if precision not in forms(files.model_type):
        raise EngineError(
            Error(
                kind="unable",
                message=f"{files.id} cannot run in {precision}.",
                hint="Ask for exact, or take a causal model of the GPT-2 or Llama family.",
            )
        )
    packed = files.model_type in PACKED
    return int(files.memory * _SHARE[precision]) if packed else files.memory

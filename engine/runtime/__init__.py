"""Models in memory and how they take a step. Importing this package imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from engine import tokenization
from engine.errors import EngineError
from engine.messages import Error
from engine.model import LoadedModel, ModelFiles


def load(files: ModelFiles, report: Callable[[str, float], None]) -> LoadedModel:
    """Bring a model into memory: its tokenizer and a runtime for each kind of head it has.

    `report` is told the stage and the percent of the weights that are read; it is called on the
    calling thread. Takes seconds and cannot be interrupted: meant for the loader's own thread.

    Raises:
        EngineError: ``broken_model`` when the files do not hold what they should, ``unable``
            when no head in them is one that this engine can use.
    """
    report("reading the tokenizer", 0.0)
    model = LoadedModel(files=files, tokenizer=tokenization.load(files.folder))
    report("importing torch", 0.0)
    if "causal" in files.heads:
        from engine.runtime.generic import load_causal

        model.causal = load_causal(files, report)
    if files.heads & {"masked", "next_sentence"}:
        from engine.runtime.masked import load_masked

        model.masked = load_masked(files, report)
    if model.causal is None and model.masked is None:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{files.id} has no head for continuing, filling or scoring.",
                hint="Take a causal model, a masked model, or one with a next-sentence head.",
            )
        )
    report("ready", 100.0)
    return model

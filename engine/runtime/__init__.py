"""Models in memory and how they take a step. Importing this package imports no torch."""

from __future__ import annotations

from collections.abc import Callable

from engine import tokenization
from engine.errors import EngineError
from engine.interfaces import CausalRuntime, ModelFiles
from engine.machine.devices import full, home
from engine.messages import Device, Error, Precision
from engine.precision import PACKED
from engine.runtime.loaded import LoadedModel

Report = Callable[[str, float], None]


def load(
    files: ModelFiles,
    report: Report,
    precision: Precision = "exact",
    device: Device = "cpu",
) -> LoadedModel:
    """Bring a model into memory: its tokenizer and a runtime for each kind of head it has.

    `report` is told the stage and the percent of the weights that are read; it is called on the
    calling thread. Quantised forms stay on the CPU, whatever the device. Takes seconds and cannot
    be interrupted: meant for the loader's own thread.

    Raises:
        EngineError: ``broken_model`` when the files do not hold what they should, ``unable``
            when no head in them is one that this engine can use, or not in this form;
            ``too_big`` when the device has no room for it.
    """
    report("reading the tokenizer", 0.0)
    tokenizer = tokenization.load(files.folder)
    report("importing torch", 0.0)
    device = home(device, precision)
    import torch

    try:
        causal = _causal(files, precision, device, report) if "causal" in files.heads else None
        masked = None
        if files.heads & {"masked", "next_sentence", "sentence_order"}:
            from engine.runtime.masked import load_masked

            masked = load_masked(files, report, device)
    except torch.OutOfMemoryError as error:
        raise full(device, files.id) from error
    if causal is None and masked is None:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{files.id} has no head for continuing, filling or scoring.",
                hint="Take a causal model, a masked model, or one with a next-sentence head.",
            )
        )
    report("ready", 100.0)
    return LoadedModel(files, tokenizer, causal, masked, precision, device)


def _causal(
    files: ModelFiles, precision: Precision, device: Device, report: Report
) -> CausalRuntime:
    """The packed decoder where it knows the model, else transformers' own, which is exact only."""
    if files.model_type in PACKED:
        from engine.runtime.packed.loading import load_packed

        packed = load_packed(files, precision, report, device)
        if packed is not None:
            return packed
    if precision != "exact":
        raise EngineError(
            Error(
                kind="unable",
                message=f"{files.id} is built in a way that cannot be packed as {precision}.",
                hint="Ask for exact.",
            )
        )
    from engine.runtime.generic import load_causal

    return load_causal(files, report, device)

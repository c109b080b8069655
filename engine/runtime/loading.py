"""Reads a model's weights through transformers, and refuses one that the files do not hold."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from engine.errors import EngineError
from engine.messages import Device, Error
from engine.model import ModelFiles

if TYPE_CHECKING:
    from transformers import PreTrainedModel

Report = Callable[[str, float], None]
"""Told the stage, and the percent of the weights that are read (0 while nothing can be)."""


def read_model(
    architecture: type[PreTrainedModel],
    files: ModelFiles,
    report: Report,
    device: Device = "cpu",
) -> PreTrainedModel:
    """Read a model in fp32, ready to run: no dropout, no gradients, no network, no foreign code.

    `architecture` is one of transformers' classes with `from_pretrained`. Tensors that the class
    expects and the files lack would be filled with random numbers; such a model is refused.

    Raises:
        EngineError: ``broken_model``, when the files cannot be read or tensors are missing.
    """
    import torch

    with _followed(report):
        try:
            model, info = architecture.from_pretrained(
                files.folder,
                local_files_only=True,
                trust_remote_code=False,
                use_safetensors=True,
                ignore_mismatched_sizes=True,  # refused below, with the tensor's name
                dtype=torch.float32,
                output_loading_info=True,
            )
        except (OSError, ValueError, KeyError, SafetensorError, StrictDataclassError) as error:
            raise broken(files, str(error).strip().partition("\n")[0]) from error
    if missing := sorted(info["missing_keys"]):
        raise broken(files, f"its weight files lack {_some(missing)}")
    if other := sorted(name for name, *_ in info["mismatched_keys"]):
        raise broken(files, f"its configuration gives another shape to {_some(other)}")
    model.requires_grad_(False)
    model.eval().to(torch.device(device))
    return model


def _some(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"


def broken(files: ModelFiles, reason: str) -> EngineError:
    """What is raised when a folder does not hold the model that it should."""
    return EngineError(
        Error(
            kind="broken_model",
            message=f"{files.id} cannot be loaded: {reason}",
            hint="Check the files in its folder, or remove the model and pull it again.",
        )
    )


@contextmanager
def _followed(report: Report) -> Iterator[None]:
    """Turn the progress bar that transformers draws over the tensors into reports.

    The hook belongs to the whole process; loads are not run side by side.
    """
    from transformers.utils import logging

    def follow(
        bar: Callable[..., object], given: tuple[object, ...], options: dict[str, object]
    ) -> object:
        items = given[0] if given else None
        if isinstance(items, Collection):
            return _counted(items, report)
        return bar(*given, **options | {"disable": True})

    before = logging.set_tqdm_hook(follow)
    try:
        report("reading weights", 0.0)
        yield
    finally:
        logging.set_tqdm_hook(before)


def _counted(items: Collection[object], report: Report) -> Iterator[object]:
    total = len(items)
    told = 0
    for number, item in enumerate(items):
        yield item
        percent = 100 * (number + 1) // total
        if percent > told:
            told = percent
            report("reading weights", float(percent))

"""Loads a model through transformers, and refuses one whose files are incomplete."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from huggingface_hub.errors import StrictDataclassError
from safetensors import SafetensorError

from engine.errors import EngineError, Fault, lacks_memory, refusal
from engine.interfaces import LoadReport, ModelFiles
from engine.messages import Device, Message, Words
from engine.store import heads

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def read_model(
    architecture: type[PreTrainedModel],
    files: ModelFiles,
    report: LoadReport,
    device: Device = "cpu",
) -> PreTrainedModel:
    """Load a model in fp32, ready to run: no dropout, no gradients, no network, no remote code.

    `architecture` is one of transformers' classes with `from_pretrained`. Tensors that the class
    expects but the files lack would be filled with random numbers; such a model is refused.

    Raises:
        EngineError: ``broken_model``, if the files cannot be read or tensors are missing.
    """
    import torch

    with _followed(report), readable(lambda reason: broken(files, reason)):
        model, info = architecture.from_pretrained(
            files.folder,
            local_files_only=True,
            trust_remote_code=False,
            use_safetensors=True,
            ignore_mismatched_sizes=True,  # refused below, with the tensor's name
            dtype=torch.float32,
            output_loading_info=True,
        )
    if reason := unfit(info, model):
        raise broken(files, reason)
    model.requires_grad_(False)
    model.eval().to(torch.device(device))
    return model


def unfit(
    info: Mapping[str, Collection[str | tuple[str, ...]]], model: PreTrainedModel
) -> Message | None:
    """What a model's files lack, or contain beyond its configuration, by transformers' report."""
    if missing := _names(info["missing_keys"]):
        return Message.of("reason.lacks", names=some(missing))
    if other := _names(info["mismatched_keys"]):
        return Message.of("reason.other_shape", names=some(other))
    return unplaced(
        _names(info["unexpected_keys"]), (f"{name}." for name, _ in model.named_modules() if name)
    )


def _names(keys: Collection[str | tuple[str, ...]]) -> list[str]:
    return sorted(key if isinstance(key, str) else key[0] for key in keys)


def unplaced(names: Iterable[str], parts: Iterable[str]) -> Message | None:
    """Which unread tensors belong to the model; None if none does.

    Unread tensors of a module that the model does not have belong to another head. Those of a
    module that it has, or of an additional layer, show that the configuration does not match the
    files.

    Args:
        names: the tensors that were not read.
        parts: the names of the model's modules, each ending with a dot.
    """
    dotted = ["." + part for part in parts]
    inside = [
        name
        for name in names
        if not name.endswith(heads.BUFFERS)
        and any(part.endswith(f".{owner}") for owner in _owners(name) for part in dotted)
    ]
    return Message.of("reason.no_place", names=some(inside)) if inside else None


def _owners(name: str) -> list[str]:
    """The module a tensor would belong to, and the stack of layers it would be in."""
    part, _, own = name.rpartition(".")
    owners = [f"{part}."] if own in {"weight", "bias"} else []
    if layer := _LAYER.search(name):
        owners.append(name[: layer.start() + 1])
    return owners


_LAYER = re.compile(r"\.\d+\.")


@contextmanager
def readable(refused: Callable[[Words], EngineError]) -> Iterator[None]:
    """Refuse files on which a library fails, whatever it raises, and those that are `Broken`.

    `refused` makes what is raised out of the reason. Want of memory is no fault of the files.
    """
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if lacks_memory(error):
            raise
        raise refused(_told(error)) from error


_FOR_PEOPLE = (OSError, SafetensorError, StrictDataclassError, ValueError)
"""What is raised with a reason in words; other exceptions say where in the code it went wrong."""


def _told(error: Exception) -> Words:
    """The first line of what an exception says for a person; the rest is for its author."""
    if isinstance(error, Fault):
        return error.reason
    cause = (error.__cause__ or error) if isinstance(error, StrictDataclassError) else error
    first = str(cause).strip().partition("\n")[0]
    if first and isinstance(error, _FOR_PEOPLE):
        return first
    return (
        Message.of("reason.cannot_build_since", error=first)
        if first
        else Message.of("reason.cannot_build")
    )


def some(names: Sequence[str]) -> Words:
    """The first of some names, and the number of the others."""
    if len(names) == 1:
        return names[0]
    return Message.of("reason.some", first=names[0], more=len(names) - 1)


def broken(files: ModelFiles, reason: Words) -> EngineError:
    """The error for a folder without a usable model."""
    return refusal("broken_model", "unloadable", model=files.id, why=reason)


@contextmanager
def _followed(report: LoadReport) -> Iterator[None]:
    """Turn transformers' progress bar over the tensors into reports.

    The hook is global to the process, which is safe because loads run one at a time.
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
        report(Message.of("stage.weights"), 0.0)
        yield
    finally:
        logging.set_tqdm_hook(before)


def _counted(items: Collection[object], report: LoadReport) -> Iterator[object]:
    total = len(items)
    reported = 0
    for number, item in enumerate(items):
        yield item
        percent = 100 * (number + 1) // total
        if percent > reported:
            reported = percent
            report(Message.of("stage.weights"), float(percent))

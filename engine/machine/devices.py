"""The device that holds a model's weights: the CPU, or a GPU that PyTorch can use.

Only runtimes deal with devices. Their results are on the CPU, where tokens are drawn and measured,
so that a seed gives the same draws from the same logits on every machine.
"""

from __future__ import annotations

import traceback

from engine.errors import EngineError, lacks_memory, refusal
from engine.messages import Device, DeviceChoice, Precision
from engine.precision import QUANTISED


def resolve(choice: DeviceChoice) -> Device:
    """Resolve a choice of device on this machine; `auto` takes a GPU if there is one.

    Imports torch.

    Raises:
        EngineError: ``unable``, if PyTorch finds no such device.
    """
    import torch

    available: dict[Device, bool] = {
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
        "cpu": True,
    }
    if choice == "auto":
        return next(device for device, there in available.items() if there)
    if not available[choice]:
        raise refusal("unable", "no_device", torch=torch.__version__, device=choice)
    return choice


def home(device: Device, precision: Precision) -> Device:
    """The device that holds a form when this one was chosen."""
    return "cpu" if precision in QUANTISED else device


def full(error: Exception, model: str, device: Device) -> EngineError | None:
    """The refusal for an exception that means a GPU is full; None if it means anything else.

    The variables of the code that failed are cleared: as long as the exception is kept, they would
    take up the memory that the next attempt needs.
    """
    if device == "cpu" or isinstance(error, EngineError) or not lacks_memory(error):
        return None
    traceback.clear_frames(error.__traceback__)
    return refusal("too_big", "device_full", model=model, device=device)

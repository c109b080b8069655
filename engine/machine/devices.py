"""Where a model's numbers live and are multiplied: the CPU, or a GPU that PyTorch can use.

Runtimes alone know of it. What they hand out is on the CPU, where tokens are drawn and measured, so
that a seed gives the same draws from the same logits anywhere.
"""

from __future__ import annotations

from engine.errors import EngineError
from engine.messages import Device, DeviceChoice, Error, Precision
from engine.precision import QUANTISED


def resolve(choice: DeviceChoice) -> Device:
    """The device that a choice comes to on this machine; `auto` takes a GPU where there is one.

    Imports torch.

    Raises:
        EngineError: ``unable``, when PyTorch sees no such device.
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
        raise EngineError(
            Error(
                kind="unable",
                message=f"PyTorch {torch.__version__} sees no {choice} device here.",
                hint="Set device: cpu in the settings, or install a PyTorch built for the device.",
            )
        )
    return choice


def home(device: Device, precision: Precision) -> Device:
    """Where a form lives when this device was chosen."""
    return "cpu" if precision in QUANTISED else device


def full(device: Device, model: str) -> EngineError:
    """What is raised when a device has no room for a model."""
    return EngineError(
        Error(
            kind="too_big",
            message=f"{model} does not fit into the memory that {device} has left.",
            hint="Unload other models, take a smaller model or form, or set device: cpu.",
        )
    )

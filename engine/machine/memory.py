"""Available memory, and returning freed memory to the system."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path

import psutil

from engine.messages import Device

SHARE = 0.6
"""Share of the available memory that models may take by default."""


def available(cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """Bytes available on this machine, or in the container we run in (cgroup v2)."""
    machine = psutil.virtual_memory().available
    try:
        limit = (cgroup / "memory.max").read_text().strip()
        used = int((cgroup / "memory.current").read_text())
        stat = dict(line.split() for line in (cgroup / "memory.stat").read_text().splitlines())
    except OSError:
        return machine
    if limit == "max":
        return machine
    cache = int(stat.get("inactive_file", "0"))  # counted as used, but reclaimable
    return max(0, min(machine, int(limit) - used + cache))


def default_budget() -> int:
    """Bytes that models may take on this machine in its present state."""
    return int(available() * SHARE)


def give_back(device: Device = "cpu") -> None:
    """Return freed memory to the system: collect cycles, then empty what allocators keep.

    That is PyTorch's cache on a GPU, from which other programs get nothing, and glibc's arenas.
    """
    gc.collect()
    if device != "cpu":
        import torch

        torch.accelerator.empty_cache()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # glibc has it, musl does not
        if trim is not None:
            trim(0)

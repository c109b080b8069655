"""The GPUs of this machine by name, without importing torch, which takes seconds."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

_NAMED = "Model:"


def names(nvidia: Path = Path("/proc/driver/nvidia/gpus")) -> list[str]:
    """What NVIDIA's driver lists on Linux, or Apple's own; empty where neither does."""
    if sys.platform == "darwin" and platform.machine() == "arm64":
        return ["Apple"]
    found = []
    for file in sorted(nvidia.glob("*/information")):
        try:
            lines = file.read_text(errors="replace").splitlines()
        except OSError:
            continue
        found += [line.partition(_NAMED)[2].strip() for line in lines if line.startswith(_NAMED)]
    return found

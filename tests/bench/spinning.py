"""How long PyTorch's threads should wait awake: `python tests/bench/spinning.py FOLDER [FORM]`.

Decodes with a packed model under several settings, each in a process of its own, once alone and
once with a busy neighbour on one core, and prints tokens per second. It is why the worker leaves
the setting alone: threads that sleep between the hundreds of small pieces of a step halve its
speed, and those that wait awake for a middling time lose their core to the neighbour. The last
setting has another thread that once ran PyTorch and stays, which is why the loader's do not.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from pathlib import Path

SETTINGS: tuple[dict[str, str], ...] = (
    {"OMP_WAIT_POLICY": "PASSIVE"},
    {"GOMP_SPINCOUNT": "1000"},
    {"GOMP_SPINCOUNT": "2000"},
    {"GOMP_SPINCOUNT": "10000"},
    {},
    {"OTHER_TEAM": "1"},
)
STEPS = 60


def decode(folder: Path, form: str) -> float:
    """Tokens per second of one stream, by the median step."""
    import torch

    from engine.machine.threads import default_threads
    from tests.support.packed_models import packed

    torch.set_num_threads(default_threads())
    if "OTHER_TEAM" in os.environ:
        _stay()
    runtime = packed(folder, form)  # type: ignore[arg-type]
    branches = runtime.feed(runtime.empty(), [[1, 2, 3, 4]])
    seconds = []
    for _ in range(STEPS):
        begin = time.perf_counter()
        branches = runtime.feed(branches, [[int(branches.logits[0].argmax())]])
        seconds.append(time.perf_counter() - begin)
    return 1 / statistics.median(seconds)


def _stay() -> None:
    """Start a thread that has used PyTorch and goes on living."""
    import torch

    ready = threading.Event()

    def work() -> None:
        torch.randn(1000, 1000).relu().sum()
        ready.set()
        threading.Event().wait()

    threading.Thread(target=work, daemon=True).start()
    ready.wait()


def measure(arguments: list[str], setting: dict[str, str]) -> float:
    """Run this file as a child under a setting."""
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, __file__, "--child", *arguments]
    env = {**os.environ, **setting, "PYTHONPATH": str(root)}
    return float(subprocess.run(command, env=env, capture_output=True, check=True).stdout)


def main(arguments: list[str]) -> None:
    """Print a line for each setting."""
    if arguments[0] == "--child":
        print(decode(Path(arguments[1]), (arguments[2:] or ["bf16"])[0]))
        return
    for setting in SETTINGS:
        alone = measure(arguments, setting)
        with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as neighbour:
            beside = measure(arguments, setting)
            neighbour.kill()
        name = " ".join(f"{key}={value}" for key, value in setting.items()) or "as PyTorch does"
        print(f"{name:28} alone {alone:6.1f}/s   beside a busy process {beside:6.1f}/s", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])

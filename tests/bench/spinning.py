"""How long PyTorch's threads should wait awake: `python tests/bench/spinning.py MODEL [FORM]`.

Decodes with a packed model under several settings, each in a process of its own, once alone and
once with a busy neighbour on one core, and prints tokens per second. It is why the worker leaves
the setting as it is: threads that sleep between the hundreds of small pieces of a step slow exact
and bf16 down, and those that wait awake for a middling time lose their core to the neighbour.
OTHER_TEAM has another thread that once ran PyTorch and stays, which is why the loader's do not.
PLAIN_STEPS lets PyTorch's threads wait awake beside ONNX Runtime's, which int8 and int4 do not
(`engine.server.stepping`).
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from engine.machine import threads
from engine.messages import GREEDY, Continue, Done, Precision

SETTINGS: tuple[dict[str, str], ...] = (
    {"OMP_WAIT_POLICY": "PASSIVE"},
    {"GOMP_SPINCOUNT": "1000"},
    {"GOMP_SPINCOUNT": "2000"},
    {"GOMP_SPINCOUNT": "10000"},
    {},
    {"OTHER_TEAM": "1"},
    {"PLAIN_STEPS": "1"},
)
TOKENS = 60


def decode(name: str, form: Precision) -> float:
    """Tokens per second of one stream."""
    from engine.bench import decoding
    from engine.server.stepping import stepped
    from engine.store.store import Store
    from engine.tasks import continuation
    from tui.files import paths

    threads.use(threads.default_threads())
    if "OTHER_TEAM" in os.environ:
        _stay()
    (model,) = decoding.load(Store(paths.store_folder()).find(name), [form]).values()
    request = Continue(model="", prompt=[1, 2, 3, 4], sampling=GREEDY, max_tokens=TOKENS)
    steps = continuation.run(model, request, 0.0)
    *_, done = steps if "PLAIN_STEPS" in os.environ else stepped(model, steps)
    assert isinstance(done, Done)
    assert done.timing.tokens_per_s is not None
    return done.timing.tokens_per_s


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
        print(decode(arguments[1], (arguments[2:] or ["bf16"])[0]))  # type: ignore[arg-type]
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

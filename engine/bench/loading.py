"""Loading times, and the memory of a decoding process, each measured in a separate process."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import psutil
from msgspec import Struct

from engine.messages import GREEDY, Continue, Measured, Precision

if TYPE_CHECKING:
    from engine.interfaces import ModelFiles
    from engine.runtime.loaded import LoadedModel

TOKENS = 256
SMALL = "starter-ja"


class Footprint(Struct, frozen=True):
    """The measurements of one process; sizes in bytes of resident memory."""

    imports: int
    """After `SMALL` had answered and was freed."""
    weights: int
    keys_and_values: int
    decoding: int
    """After `TOKENS` tokens."""


def load(
    store: Path, files: ModelFiles, forms: Sequence[Precision], rounds: int
) -> Iterator[Measured]:
    """Seconds to load each form, and the memory of a process that has loaded it."""
    import torch
    from transformers import AutoModelForCausalLM

    from engine import runtime
    from engine.bench.timing import seconds, turns

    def ours(form: Precision, kept: bool) -> Callable[[], float]:
        # Without a place to store it, a form is packed again.
        where = files if kept else replace(files, derived=None)
        return lambda: seconds(lambda: runtime.load(where, lambda stage, percent: None, form))

    def theirs() -> object:
        return AutoModelForCausalLM.from_pretrained(files.folder, dtype=torch.float32)

    cases = {f"{form}, first time": ours(form, False) for form in forms}
    cases |= {f"{form}, again": ours(form, True) for form in forms}
    found = turns(cases | {"from_pretrained": lambda: seconds(theirs)}, rounds)
    for case in cases:
        peers = {"from_pretrained fp32": found["from_pretrained"]}
        yield Measured(group="load", case=case, unit="s", value=found[case], peers=peers)
    for form in forms:
        seen = _footprint(store, files, form)
        yield Measured(
            group="memory",
            case=f"{form}, {TOKENS} tokens",
            unit="MB",
            value=(seen.decoding - seen.imports) / 1e6,
            peers={"weights and live KV": (seen.weights + seen.keys_and_values) / 1e6},
        )


def _footprint(store: Path, files: ModelFiles, form: Precision) -> Footprint:
    call = [sys.executable, "-P", "-m", "engine.bench.loading", str(store), files.id, form]
    finished = subprocess.run(call, stdout=subprocess.PIPE, check=True, stdin=subprocess.DEVNULL)
    return msgspec.json.decode(finished.stdout, type=Footprint)


def main() -> None:
    """Load a form of a model, decode with it, and print a `Footprint`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("store", type=Path)
    parser.add_argument("model")
    parser.add_argument("precision")
    options = parser.parse_args()
    from engine import runtime
    from engine.machine.memory import give_back
    from engine.server.worker import prepare_more
    from engine.store.store import Store
    from engine.tasks import continuation

    store = Store(options.store)
    process = psutil.Process()

    def decode(name: str) -> LoadedModel:
        model = runtime.load(store.find(name), lambda stage, percent: None, options.precision)
        give_back()  # as a worker does
        request = Continue(model=name, prompt="a", sampling=GREEDY, max_tokens=TOKENS)
        list(continuation.run(model, request, 0.0))
        return model

    prepare_more()  # as a worker does
    decode(SMALL)  # imports everything else, and warms up the allocator
    imports = process.memory_info().rss
    model = decode(options.model)
    kept = 0 if model.prefix_cache is None else model.prefix_cache.bytes
    weights = model.bytes - kept
    seen = Footprint(imports, weights, kept, process.memory_info().rss)
    sys.stdout.buffer.write(msgspec.json.encode(seen))


if __name__ == "__main__":
    main()

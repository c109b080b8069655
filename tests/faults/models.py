"""A model's folder or file is broken."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
from safetensors.numpy import load_file, save_file

from engine.messages import (
    GREEDY,
    Configure,
    Continue,
    Error,
    Event,
    Pull,
    Ready,
    Token,
)
from tests.faults.harness import STARTER, Outcome, fault
from tests.support import tiny_gguf
from tests.support.processes import Peer
from tui.strings import worded

_WEIGHTS = "model.safetensors"
_TOKENIZER = "spiece.model"
_EXCEPTION = re.compile(r"\b[A-Z]\w*(Error|Exception)\b|Traceback")


def _gone(path: Path) -> None:
    shutil.rmtree(path)


def _without(name: str) -> Callable[[Path], None]:
    return lambda path: (path / name).unlink()


def _cut_short(name: str) -> Callable[[Path], None]:
    return lambda path: os.truncate(path / name, (path / name).stat().st_size // 3)


def _holding(name: str, content: bytes) -> Callable[[Path], None]:
    def hold(path: Path) -> None:
        (path / name).write_bytes(content)

    return hold


def _configured(**changes: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        file = path / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text("utf-8")), **changes}))

    return change


def _pipe(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        (path / name).unlink()
        os.mkfifo(path / name)

    return make


def _pickled(path: Path) -> None:
    (path / _WEIGHTS).rename(path / "pytorch_model.bin")


def _half_downloaded(path: Path) -> None:
    index = {"weight_map": {"a": _WEIGHTS, "b": "model-00002-of-00002.safetensors"}}
    (path / _WEIGHTS).rename(path / "model-00001-of-00002.safetensors")
    (path / f"{_WEIGHTS}.index.json").write_text(json.dumps(index))


def _circle(path: Path) -> None:
    shutil.rmtree(path)
    path.symlink_to(path)


def _locked(name: str) -> Callable[[Path], None]:
    return lambda path: (path / name).chmod(0)


def _not_a_number(path: Path) -> None:
    tensors = load_file(path / _WEIGHTS)
    name = next(name for name in tensors if name.endswith("ln_f.weight"))
    tensors[name] = numpy.full_like(tensors[name], numpy.nan)
    save_file(tensors, path / _WEIGHTS, {"format": "pt"})


FOLDERS: dict[str, Callable[[Path], None]] = {
    "not there": _gone,
    "no configuration": _without("config.json"),
    "a configuration cut short": _cut_short("config.json"),
    "a configuration nested without end": _holding("config.json", b'{"a":' * 100_000),
    "a configuration in Latin-1": _holding("config.json", b'{"model_type": "gpt\xe9"}'),
    "a configuration that is a pipe": _pipe("config.json"),
    "no weights": _without(_WEIGHTS),
    "weights cut short": _cut_short(_WEIGHTS),
    "weights of nonsense": _holding(_WEIGHTS, b"\xff" * 1000),
    "weights that are a pipe": _pipe(_WEIGHTS),
    "half of the weights": _half_downloaded,
    "weights in a pickle": _pickled,
    "weights that are no numbers": _not_a_number,
    "no tokenizer": _without(_TOKENIZER),
    "a tokenizer cut short": _cut_short(_TOKENIZER),
    "an unknown architecture": _configured(model_type="nonsense"),
    "another architecture": _configured(model_type="bert"),
    "another vocabulary size": _configured(vocab_size=9000),
    "more layers than there are": _configured(n_layer=10**9),
    "no heads": _configured(n_head=0),
    "a circle of links": _circle,
    "no permission for the folder": _locked("."),
    "no permission for the weights": _locked(_WEIGHTS),
}
HEADERS: dict[str, dict[str, int]] = {
    "one of 2^31 layers": {"llama.block_count": 2**31},
    "one of no layers": {"llama.block_count": 0},
    "one with a vocabulary of 2^31": {"llama.vocab_size": 2**31},
    "one of another width": {"llama.embedding_length": 2**20},
}


@fault(f"{len(FOLDERS)} broken folders are asked, one after the other", short=1, long=10)
def folders(place: Path, rng: random.Random) -> Outcome:
    kinds = list(FOLDERS)
    rng.shuffle(kinds)
    with _worker(place) as peer:
        for number, kind in enumerate(kinds):
            folder = place / f"model-{number}"
            shutil.copytree(STARTER, folder)
            FOLDERS[kind](folder)
            _check(kind, peer.ask(_text(str(folder)))[-1])
        seconds = _another(peer)
    return Outcome("each is refused in one line, and another model answers", 0, seconds)


@fault("a GGUF file with absurd sizes is converted", short=1, long=8)
def gguf(place: Path, rng: random.Random) -> Outcome:
    kind = rng.choice(list(HEADERS))
    file = tiny_gguf.write(place / "model.gguf", facts=HEADERS[kind])
    with _worker(place) as peer:
        _check(kind, peer.ask(Pull(str(file)))[-1])
        seconds = _another(peer)
    return Outcome(f"{kind} is refused in one line, and another model answers", 0, seconds)


def _another(peer: Peer) -> float:
    """See that a sound model answers; after how many seconds."""
    began = time.monotonic()
    assert any(isinstance(event, Token) for event in peer.ask(_text("starter-ja")))
    return time.monotonic() - began


def _text(model: str) -> Continue:
    return Continue(model=model, prompt="東京", sampling=GREEDY, max_tokens=4, top=0)


def _check(kind: str, last: Event) -> None:
    assert isinstance(last, Error), f"{kind}: {last}"
    said = f"{kind}: {worded(last.message, last.hint)}"
    assert last.kind != "internal", said
    assert "\n" not in said and not _EXCEPTION.search(said), said
    assert worded(last.hint), said


@contextlib.contextmanager
def _worker(place: Path) -> Iterator[Peer]:
    """A worker that may read no more than others may, also where root runs this."""
    command = [sys.executable, "-P", "-m", "engine"]
    if os.geteuid() == 0:
        command[:0] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    with (
        (place / "log").open("ab") as stderr,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr
        ) as process,
    ):
        peer = Peer(process)
        try:
            (ready,) = peer.ask(Configure(store=str(place / "store"), threads=1))
            assert isinstance(ready, Ready), ready
            yield peer
        finally:
            process.kill()

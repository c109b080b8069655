"""A model's folder or file is broken."""

from __future__ import annotations

import contextlib
import json
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
from msgspec import structs
from safetensors.numpy import load_file, save_file
from sentencepiece import sentencepiece_model_pb2

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
from tests.faults.harness import Outcome, fault
from tests.faults.running import STARTER
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


def _outside(path: Path) -> None:
    (path / _WEIGHTS).rename(path.parent / f"{path.name}.safetensors")
    index = {"weight_map": {"transformer.wte.weight": f"../{path.name}.safetensors"}}
    (path / f"{_WEIGHTS}.index.json").write_text(json.dumps(index))


def _more_words(path: Path) -> None:
    vocabulary = sentencepiece_model_pb2.ModelProto.FromString((path / _TOKENIZER).read_bytes())
    for number in range(5000):
        vocabulary.pieces.add(piece=f"東京{number}", score=0.0)
    (path / _TOKENIZER).write_bytes(vocabulary.SerializeToString())


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
    "weights outside of the folder": _outside,
    "weights that are no numbers": _not_a_number,
    "no tokenizer": _without(_TOKENIZER),
    "a tokenizer cut short": _cut_short(_TOKENIZER),
    "a tokenizer with 5,000 words more": _more_words,
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
    with worker(place) as peer:
        for number, kind in enumerate(kinds):
            folder = place / f"model-{number}"
            shutil.copytree(STARTER, folder)
            FOLDERS[kind](folder)
            check_error(kind, peer.ask(_text(str(folder)))[-1])
        seconds = sound_answer(peer)
    return Outcome("each is refused in one line, and another model answers", 0, seconds)


@fault("a GGUF file with absurd sizes is converted", short=0, long=8)
def gguf(place: Path, rng: random.Random) -> Outcome:
    kind = rng.choice(list(HEADERS))
    file = tiny_gguf.write(place / "model.gguf", facts=HEADERS[kind])
    with worker(place) as peer:
        check_error(kind, peer.ask(Pull(str(file)))[-1])
        seconds = sound_answer(peer)
    return Outcome(f"{kind} is refused in one line, and another model answers", 0, seconds)


_CODE = "import os\nos.mkdir({marker!r})\n"
_TEMPLATE = "{{{{ cycler.__init__.__globals__.os.mkdir({marker!r}) }}}}"


@fault("a model's folder holds code and a template that runs some", long=10)
def code(place: Path, rng: random.Random) -> Outcome:
    folder, marker = place / "model", place / "ran"
    shutil.copytree(STARTER, folder)
    kinds = ("AutoConfig", "AutoModelForCausalLM", "AutoTokenizer")
    _configured(
        auto_map={kind: f"evil.{kind}" for kind in kinds},
        model_type=rng.choice(("gpt2", "evil")),
    )(folder)
    tokens = {
        "auto_map": {"AutoTokenizer": ["evil.AutoTokenizer", None]},
        "chat_template": _TEMPLATE.format(marker=str(marker)),
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(tokens))
    for name in ("evil.py", "conftest.py", "sitecustomize.py", "__init__.py"):
        (folder / name).write_text(_CODE.format(marker=str(marker)))
    with worker(place) as peer:
        for request in (_text(str(folder)), structs.replace(_text(str(folder)), chat=[])):
            last = peer.ask(request)[-1]
            if isinstance(last, Error):
                check_error("code", last)
        seconds = sound_answer(peer)
    assert not marker.exists(), "the code ran"
    return Outcome("none of it is run, and another model answers", 0, seconds)


@fault("the disk is full (RLIMIT_FSIZE) while a GGUF file is converted", short=0, long=10)
def no_room(place: Path, rng: random.Random) -> Outcome:
    file = tiny_gguf.write(place / "model.gguf")
    with worker(place) as peer:
        _, hard = resource.prlimit(peer.process.pid, resource.RLIMIT_FSIZE)
        few = rng.randint(1, file.stat().st_size)
        resource.prlimit(peer.process.pid, resource.RLIMIT_FSIZE, (few, hard))
        check_error(f"room for {few} bytes", peer.ask(Pull(str(file)))[-1])
        began = time.monotonic()
        resource.prlimit(peer.process.pid, resource.RLIMIT_FSIZE, (hard, hard))
        last = peer.ask(Pull(str(file)))[-1]
        assert not isinstance(last, Error), last
        seconds = time.monotonic() - began
    return Outcome("says so in one line; with room it is converted", 0, seconds)


def sound_answer(peer: Peer) -> float:
    """See that a sound model answers; after how many seconds."""
    began = time.monotonic()
    assert any(isinstance(event, Token) for event in peer.ask(_text("starter-ja")))
    return time.monotonic() - began


def _text(model: str) -> Continue:
    return Continue(model=model, prompt="東京99", sampling=GREEDY, max_tokens=4, top=0)


def check_error(kind: str, last: Event) -> None:
    """See that a request was refused in one line with a next step, and not by a fault of ours."""
    assert isinstance(last, Error), f"{kind}: {last}"
    said = f"{kind}: {worded(last.message, last.hint)}"
    assert last.kind != "internal", said
    assert "\n" not in said and not _EXCEPTION.search(said), said
    assert worded(last.hint), said


@contextlib.contextmanager
def worker(place: Path, **more: str) -> Iterator[Peer]:
    """A worker that may read no more than others may, also where root runs this."""
    command = [sys.executable, "-P", "-m", "engine"]
    if os.geteuid() == 0:
        command[:0] = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"]
    with (
        (place / "log").open("ab") as stderr,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",
                **more,
            },  # half a .pyc would outlast us
        ) as process,
    ):
        peer = Peer(process)
        try:
            (ready,) = peer.ask(Configure(store=str(place / "store"), threads=1))
            assert isinstance(ready, Ready), ready
            yield peer
        finally:
            process.kill()

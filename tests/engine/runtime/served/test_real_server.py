"""llama-cpp-python's own server, where it is installed, beside transformers on the same weights.

It is looked for in this environment, or in the one that TSUZUKI_LLAMA_PYTHON names, whose
`llama-cpp-python` has its extra `server`.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
import transformers

from engine import runtime
from engine.messages import GREEDY, Continue, ScoreTexts, ServerEntry, Started, TextScore, Token
from engine.pull.convert import convert_gguf
from engine.runtime.loaded import LoadedModel
from engine.store.store import Store
from engine.tasks import continuation, text_scoring
from tests.support import tiny_gguf
from tests.support.bundles import SHARED, quiet

PYTHON = os.environ.get("TSUZUKI_LLAMA_PYTHON", sys.executable)


def installed() -> bool:
    try:
        tried = subprocess.run(
            [PYTHON, "-c", "import llama_cpp.server.app"], capture_output=True, timeout=60
        )
    except OSError:
        return False
    return tried.returncode == 0


pytestmark = [
    pytest.mark.skipif(not installed(), reason="llama-cpp-python's server is not installed"),
    pytest.mark.slow,
]


@contextmanager
def on_a_server(file: Path, folder: Path, store: Path) -> Iterator[LoadedModel]:
    """The model of a GGUF file on a server, with the tokenizer of a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    arguments = ["--model", str(file), "--model_alias", "served", "--logits_all", "true"]
    arguments += ["--n_ctx", "128", "--n_threads", "1", "--port", str(port)]
    server = subprocess.Popen(
        [PYTHON, "-m", "llama_cpp.server", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}/v1"
        while not _answers(f"{url}/models"):
            assert server.poll() is None
            time.sleep(0.1)
        entry = ServerEntry(url=url, model="served", tokenizer=str(folder))
        yield runtime.load(Store(store, served=[entry]).find(entry.id), quiet)
    finally:
        server.terminate()
        server.wait()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url).close()
    except OSError:
        return False
    return True


def test_figures_are_those_of_transformers_on_the_same_weights(tmp_path: Path) -> None:
    file, folder = tiny_gguf.write(tmp_path / "tiny.gguf", exact=True), tmp_path / "tiny"
    folder.mkdir()
    convert_gguf(file, folder, lambda *_: None)
    with on_a_server(file, folder, tmp_path) as model:
        apart = scored_apart(model, folder, "hello hell  he said hello")
    print(f"fp32: largest {max(apart):.6f} nats")
    assert max(apart) < 1e-2  # it keeps keys and values in 16 bits


def test_a_real_model_is_as_near_as_the_rounding_of_its_products(tmp_path: Path) -> None:
    folder = Path(os.environ.get("TSUZUKI_SMOLLM2", SHARED / "smollm2-135m-instruct"))
    if not folder.is_dir():
        pytest.skip("SmolLM2 is not here")
    (file,) = folder.glob("*.gguf")
    text = "The keys to the cabinet are on the table."
    with on_a_server(file, folder, tmp_path) as model:
        drawn = drawn_apart(model, folder, "The capital of France is")
        scored = scored_apart(model, folder, text)
    for name, apart in (("drawn", drawn), ("scored", scored)):
        print(f"{name}: largest {max(apart):.4f} nats, mean {statistics.fmean(apart):.4f}")
        assert statistics.fmean(apart) < 0.25  # llama.cpp multiplies Q4_1 by 8-bit integers


def drawn_apart(model: LoadedModel, folder: Path, prompt: str) -> list[float]:
    """How far figures of what is written and of its alternatives are from transformers' (nats)."""
    request = Continue(model="m", prompt=prompt, sampling=GREEDY, max_tokens=12, top=5)
    started, *events = continuation.run(model, request, 0.0)
    assert isinstance(started, Started)
    tokens = [event for event in events if isinstance(event, Token)]
    prompted = [piece.id for piece in started.prompt_tokens]
    logprobs = reference(folder, [*prompted, *(token.id for token in tokens)])
    assert tokens
    apart = []
    for at, token in enumerate(tokens, len(prompted) - 1):
        figures = {token.id: token.logprob} | {each.id: each.logprob for each in token.top}
        apart += [abs(own - float(logprobs[at, number])) for number, own in figures.items()]
    return apart


def scored_apart(model: LoadedModel, folder: Path, text: str) -> list[float]:
    """How far figures of the tokens of a text are from transformers' (nats)."""
    events = text_scoring.run(model, ScoreTexts(model="m", texts=[text]), 0.0)
    (score,) = [event for event in events if isinstance(event, TextScore)]
    assert score.error is None and model.tokenizer.start is not None
    logprobs = reference(folder, [model.tokenizer.start, *(token.id for token in score.tokens)])
    found = [(token.id, token.logprob) for token in score.tokens if token.logprob is not None]
    assert len(found) == len(score.tokens)
    return [abs(own - float(logprobs[at, number])) for at, (number, own) in enumerate(found)]


def reference(folder: Path, ids: list[int]) -> torch.Tensor:
    """Log-probabilities after each id, by transformers: float32 [ids, vocabulary]."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder).eval()
    with torch.no_grad():
        found: torch.Tensor = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    return found

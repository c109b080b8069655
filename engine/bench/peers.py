"""Peers: transformers' `generate`, and CTranslate2 if it is installed; llama.cpp is in `ggufs`."""

from __future__ import annotations

import importlib.util
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from engine.interfaces import ModelFiles


@dataclass(frozen=True)
class Run:
    """A peer's continuation: seconds to the first token, tokens per second after it, the ids."""

    first_s: float
    tokens_per_s: float
    ids: list[int]


Decode = Callable[[Sequence[int], int], Run]
"""Decodes a number of tokens greedily after a prompt's ids, which are read again each time."""


def peers(files: ModelFiles) -> dict[str, Decode]:
    """Those that can decode this model here, by name."""
    found = {
        "generate fp32": generate(files, torch.float32),
        "generate bf16": generate(files, torch.bfloat16),
        "CTranslate2 int8": ctranslate2(files, torch.get_num_threads()),
    }
    return {name: decode for name, decode in found.items() if decode is not None}


def generate(files: ModelFiles, dtype: torch.dtype) -> Decode:
    """`model.generate`, timed token by token."""
    model = AutoModelForCausalLM.from_pretrained(files.folder, dtype=dtype).eval()

    def decode(ids: Sequence[int], tokens: int) -> Run:
        prompt = torch.tensor([list(ids)])
        clock = _Clock()
        begin = time.perf_counter()
        found = model.generate(
            prompt,
            attention_mask=torch.ones_like(prompt),
            max_new_tokens=tokens,
            min_new_tokens=tokens,
            do_sample=False,
            streamer=clock,
        )
        # The streamer gets the prompt first, then every token.
        return _run(begin, clock.times[1:], found[0, len(ids) :].tolist())

    return decode


class _Clock:
    """A transformers streamer that records the time of each token."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: object) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        pass


def ctranslate2(files: ModelFiles, threads: int) -> Decode | None:
    """CTranslate2 on an int8 conversion made for this purpose; None if it is not installed.

    It runs in a separate process: OpenMP would count its idle threads among ours, which would then
    sleep between the parts of a step instead of spinning, at half the speed.
    """
    if importlib.util.find_spec("ctranslate2") is None:
        return None
    binding: Any = importlib.import_module("ctranslate2")
    place = tempfile.TemporaryDirectory()
    folder = str(Path(place.name, "converted"))
    try:
        converter = binding.converters.TransformersConverter(str(files.folder))
        converter.convert(folder, quantization="int8")
        tokenizer = AutoTokenizer.from_pretrained(files.folder)
    except (ValueError, NotImplementedError, ImportError):  # a family or tokenizer it cannot read
        return None
    process = ProcessPoolExecutor(
        1, get_context("spawn"), initializer=_open_ctranslate2, initargs=(folder, threads)
    )

    def decode(ids: Sequence[int], tokens: int, place: object = place) -> Run:
        prompt = tokenizer.convert_ids_to_tokens(list(ids))
        return process.submit(_ctranslate2, prompt, tokens).result()

    return decode


_generator: Any = None
"""The model, in CTranslate2's process."""


def _open_ctranslate2(folder: str, threads: int) -> None:
    global _generator
    binding: Any = importlib.import_module("ctranslate2")
    _generator = binding.Generator(folder, compute_type="int8", intra_threads=threads)


def _ctranslate2(prompt: list[str], tokens: int) -> Run:
    begin = time.perf_counter()
    steps = _generator.generate_tokens(
        prompt, max_length=tokens, min_length=tokens, sampling_topk=1, end_token=[]
    )
    return timed(begin, (step.token_id for step in steps), tokens)


def timed(begin: float, drawn: Iterable[int], tokens: int) -> Run:
    """Draw `tokens` tokens, recording the time of each."""
    ids, times = [], []
    for token in drawn:
        ids.append(int(token))
        times.append(time.perf_counter())
        if len(ids) == tokens:
            break
    return _run(begin, times, ids)


def _run(begin: float, times: Sequence[float], ids: list[int]) -> Run:
    later = len(times) - 1
    speed = later / (times[-1] - times[0]) if later else 0.0
    return Run(times[0] - begin, speed, ids)

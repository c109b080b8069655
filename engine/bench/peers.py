"""The others: transformers' `generate`, and llama.cpp where its binding is installed."""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, TextIteratorStreamer

from engine.model import ModelFiles

Decode = Callable[[Sequence[int], int], tuple[float, list[int]]]
"""Greedy from a prompt's ids for so many tokens: tokens a second after the first, and the ids."""


def generate(files: ModelFiles, dtype: torch.dtype) -> Decode:
    """`model.generate` in a thread, read through a `TextIteratorStreamer` as its manual shows."""
    model = AutoModelForCausalLM.from_pretrained(files.folder, dtype=dtype).eval()
    tokenizer = AutoTokenizer.from_pretrained(files.folder)

    def decode(ids: Sequence[int], tokens: int) -> tuple[float, list[int]]:
        streamer = TextIteratorStreamer(tokenizer, skip_prompt=True)
        found: list[torch.Tensor] = []
        times: list[float] = []

        class Clock:
            """Notes when a token comes, and hands it on."""

            def put(self, value: torch.Tensor) -> None:
                times.append(time.perf_counter())
                streamer.put(value)

            def end(self) -> None:
                streamer.end()

        def work() -> None:
            prompt = torch.tensor([list(ids)])
            found.append(
                model.generate(
                    prompt,
                    attention_mask=torch.ones_like(prompt),
                    max_new_tokens=tokens,
                    min_new_tokens=tokens,
                    do_sample=False,
                    streamer=Clock(),
                )
            )

        thread = threading.Thread(target=work)
        thread.start()
        for _ in streamer:
            pass
        thread.join()
        # The prompt itself is put first, then every token.
        speed = (len(times) - 2) / (times[-1] - times[1])
        return speed, found[0][0, len(ids) :].tolist()

    return decode


def llama_cpp(files: ModelFiles, threads: int) -> Decode | None:
    """llama.cpp on the GGUF beside the weights; None without either."""
    ggufs = sorted(files.folder.glob("*.gguf"))
    if not ggufs or importlib.util.find_spec("llama_cpp") is None:
        return None
    binding: Any = importlib.import_module("llama_cpp")
    llama = binding.Llama(str(ggufs[0]), n_ctx=2048, n_threads=threads, verbose=False)

    def decode(ids: Sequence[int], tokens: int) -> tuple[float, list[int]]:
        llama.reset()
        found: list[int] = []
        begin = 0.0
        for token in llama.generate(list(ids), temp=0.0, repeat_penalty=1.0):
            found.append(int(token))
            if len(found) == 1:
                begin = time.perf_counter()
            if len(found) == tokens:
                break
        return (tokens - 1) / (time.perf_counter() - begin), found

    return decode

"""llama.cpp on the GGUF that a model came as, and on the same in Q4_0, for which it is tuned.

Q4_0 is requantised from that file, as nothing more accurate of the model is here: its speed is that
of any Q4_0 file, its distance from exact that of both roundings. llama.cpp runs in processes of its
own, as CTranslate2 does, and for the same reason.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy
import torch

from engine.bench.peers import Decode, Run, timed
from engine.interfaces import ModelFiles
from engine.pull.gguf_header import Header
from engine.runtime.distance import WINDOW

TUNED = "Q4_0"
_CONTEXT = 2048
Scores = numpy.ndarray[Any, numpy.dtype[numpy.float32]]


class Gguf:
    """A GGUF that llama.cpp can run."""

    def __init__(self, path: Path, threads: int, place: object = None) -> None:
        """`place` is the temporary folder that it is in, if it is in one."""
        self._path = path
        self._threads = threads
        self._place = place

    def decoder(self) -> Decode:
        """Greedy decoding, timed token by token."""
        process = self._process(_CONTEXT, scores=False)
        return lambda ids, tokens: process.submit(_decode, list(ids), tokens).result()

    def reader(self) -> Reader:
        """For the distance from another runtime."""
        return Reader(self._process(WINDOW, scores=True))

    def _process(self, context: int, *, scores: bool) -> ProcessPoolExecutor:
        given = (str(self._path), self._threads, context, scores)
        return ProcessPoolExecutor(1, get_context("spawn"), initializer=_open, initargs=given)


class Reader:
    """Reads texts one after another; see `distance.Reads`."""

    def __init__(self, process: ProcessPoolExecutor) -> None:
        self._process = process

    def empty(self) -> None:
        """Begin a text."""
        self._process.submit(_reset).result()

    def read(self, branches: None, ids: Sequence[Sequence[int]]) -> tuple[None, torch.Tensor]:
        """Go on with the text: the logits after each id, float32 [1, ids, vocabulary]."""
        (row,) = ids
        return None, torch.from_numpy(self._process.submit(_read, list(row)).result())[None]


def ggufs(files: ModelFiles, threads: int) -> dict[str, Gguf]:
    """The GGUF beside the weights, and in Q4_0, by what they are; none without llama.cpp."""
    found = sorted(files.folder.glob("*.gguf"))
    if not found or importlib.util.find_spec("llama_cpp") is None:
        return {}
    kinds = {Header(found[0]).kind: Gguf(found[0], threads)}
    if TUNED not in kinds:
        place = TemporaryDirectory()
        tuned = Path(place.name, f"{TUNED}.gguf")
        with ProcessPoolExecutor(1, get_context("spawn")) as process:
            process.submit(_requantise, found[0], tuned, threads).result()
        kinds[TUNED] = Gguf(tuned, threads, place)
    return {f"llama.cpp {kind}": gguf for kind, gguf in kinds.items()}


# ----------------------------------------------------------------------- in llama.cpp's processes

_llama: Any = None


def _requantise(source: Path, target: Path, threads: int) -> None:
    binding: Any = importlib.import_module("llama_cpp")
    options = binding.llama_model_quantize_default_params()
    options.ftype = binding.LLAMA_FTYPE_MOSTLY_Q4_0
    options.allow_requantize = True
    options.nthread = threads
    names = (str(path).encode() for path in (source, target))
    if binding.llama_model_quantize(*names, ctypes.byref(options)):
        raise OSError(f"llama.cpp could not requantise {source.name}")


def _open(path: str, threads: int, context: int, scores: bool) -> None:
    global _llama
    binding: Any = importlib.import_module("llama_cpp")
    _llama = binding.Llama(
        path,
        n_ctx=context,
        n_threads=threads,
        n_threads_batch=threads,
        logits_all=scores,
        verbose=False,
    )


def _decode(ids: list[int], tokens: int) -> Run:
    _llama.reset()
    begin = time.perf_counter()
    return timed(begin, _llama.generate(ids, temp=0.0, repeat_penalty=1.0), tokens)


def _reset() -> None:
    _llama.reset()


def _read(ids: list[int]) -> Scores:
    _llama.eval(ids)
    found: Scores = _llama.scores[_llama.n_tokens - len(ids) : _llama.n_tokens]
    return found.copy()

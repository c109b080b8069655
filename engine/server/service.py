"""Turns each request into a task for the scheduler."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor, Future
from functools import lru_cache
from typing import ParamSpec, TypeVar, assert_never

from msgspec import structs

from engine import tokenization
from engine.errors import refusal
from engine.interfaces import ModelFiles
from engine.messages import (
    Beside,
    Continue,
    Device,
    Distances,
    Document,
    Done,
    Event,
    Fill,
    Find,
    ListModels,
    Load,
    LookInside,
    Measure,
    Models,
    ModelState,
    NBest,
    Precision,
    PrecisionChoice,
    PseudoLikelihood,
    Pull,
    Remove,
    Score,
    ScorePairs,
    ScoreResult,
    ScoreTexts,
    Timing,
    Tokenize,
    Trace,
    TrackWords,
    Unload,
)
from engine.pull.job import PullJob
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Task, Wait, settled
from engine.server.fidelity import Fidelity
from engine.server.lifecycle import Lifecycle
from engine.server.processes import Children
from engine.server.stepping import stepped
from engine.store.store import Store
from engine.tasks import (
    continuation,
    continuity,
    document,
    finding,
    inside,
    inspection,
    masking,
    nbest,
    pseudo_likelihood,
    text_scoring,
    tracing,
    tracking,
)

P = ParamSpec("P")
T = TypeVar("T")

Ask = (
    Continue
    | NBest
    | Find
    | Trace
    | Fill
    | PseudoLikelihood
    | ScorePairs
    | ScoreTexts
    | TrackWords
    | Document
)
"""The requests that are answered by one model."""
Work = Ask | LookInside | Score | Tokenize | ListModels | Load | Measure | Unload | Pull | Remove
"""The requests that become tasks."""


class Service:
    """Turns requests into tasks over the models on disk and in memory.

    Disk access runs on `disk`, an executor with one thread, so that a slow disk does not hold up
    other tasks. `device` is where models are put; it is known once PyTorch is imported. `job`
    builds the child process of a pull.
    """

    def __init__(
        self,
        *,
        store: Store,
        lifecycle: Lifecycle,
        device: Future[Device],
        children: Children,
        disk: Executor,
        job: Callable[[Pull], PullJob],
        broadcast: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._lifecycle = lifecycle
        self._fidelity = Fidelity(lifecycle, device)
        self._children = children
        self._disk = disk
        self._job = job
        self._broadcast = broadcast
        self._tokenizer = lru_cache(maxsize=4)(tokenization.load)

    def task(self, request: Work) -> Task:
        """The generator that answers a request; it does nothing before its first step."""
        if isinstance(request, Ask):
            return self._run(request)
        if isinstance(request, LookInside):
            return self._look(request)
        match request:
            case ListModels():
                return self._list()
            case Tokenize():
                return self._tokenize(request)
            case Load():
                return self._load(request)
            case Measure():
                return self._measure(request)
            case Unload():
                return self._unload(request)
            case Pull():
                return self._pull(request)
            case Remove():
                return self._remove(request)
            case Score():
                return self._score(request)
            case never:
                assert_never(never)

    def _list(self) -> Task:
        found = yield from self._read(self._store.models)
        yield Models(
            [self._lifecycle.current(self._children.current(info)) for info in found],
        )

    def _tokenize(self, request: Tokenize) -> Task:
        files = yield from self._files(request.model)
        loaded = self._lifecycle.loaded(files.id)
        if loaded is not None:
            tokenizer = loaded.tokenizer
        else:
            tokenizer = yield from self._read(self._tokenizer, files.folder)
        yield inspection.run(tokenizer, files.languages, request)

    def _load(self, request: Load) -> Task:
        began = time.monotonic()
        files = yield from self._files(request.model)
        precision = yield from self._precision(files, request.precision)
        with self._lifecycle.use(files, precision) as loading:
            yield from settled(loading)
        yield Done(timing=Timing(load_s=time.monotonic() - began))

    def _run(self, request: Ask) -> Task:
        began = time.monotonic()
        files = yield from self._files(request.model)
        precision = yield from self._precision(files, request.precision)
        with self._lifecycle.use(files, precision) as loading:
            model = yield from settled(loading)
            yield from stepped(model, _answer(model, request, time.monotonic() - began))

    def _look(self, request: LookInside) -> Task:
        """Look into a model, which is loaded as transformers' own class for it."""
        began = time.monotonic()
        files = yield from self._files(request.model)
        if files.server is not None:
            raise refusal("unable", "server_no_inside", model=files.id)
        with self._lifecycle.use(files, "inside") as loading:
            model = yield from settled(loading)
            yield from inside.run(model, request, time.monotonic() - began)

    def _score(self, request: Score) -> Task:
        """Score a pair with one model after the other, and send the verdict over all results."""
        began = time.monotonic()
        load_s = 0.0
        results: list[ScoreResult] = []
        for asked in (Beside(model=request.model, precision=request.precision), *request.beside):
            waits = time.monotonic()
            files = yield from self._files(asked.model)
            precision = yield from self._precision(files, asked.precision)
            with self._lifecycle.use(files, precision) as loading:
                model = yield from settled(loading)
                load_s += time.monotonic() - waits
                results += yield from stepped(model, continuity.score_pair(model, request))
        yield continuity.verdict(results)
        yield Done(timing=Timing(load_s=load_s, total_s=time.monotonic() - began))

    def _precision(
        self, files: ModelFiles, choice: PrecisionChoice
    ) -> Generator[Wait | None, None, Precision]:
        """Resolve a choice of form for this model."""
        if files.server is not None:
            return "served"
        if choice != "auto":
            return choice
        return (yield from self._fidelity.fastest(files))

    def _measure(self, request: Measure) -> Task:
        files = yield from self._files(request.model)
        yield Distances(files.id, (yield from self._fidelity.all(files)))

    def _unload(self, request: Unload) -> Task:
        place = yield from self._read(self._name, request.model)
        self._lifecycle.unload(place)
        yield Done()

    def _pull(self, request: Pull) -> Task:
        place = yield from self._read(self._store.place, request.model)
        yield from self._fetch(structs.replace(request, model=place.id))
        yield Done()

    def _remove(self, request: Remove) -> Task:
        place = yield from self._read(self._store.place, request.model)
        if self._children.running(place.id) or self._lifecycle.busy(place.id):
            raise refusal("unable", "in_use", model=place.id)
        yield from self._read(self._store.remove, request.model)
        self._lifecycle.unload(place.id)
        self._changed(place.id)
        self._broadcast(ModelState(model=place.id, state="absent", cause="asked"))
        yield Done()

    def _name(self, model: str) -> str:
        """What a model is called once it is found."""
        entry = self._store.served(model)
        return self._store.place(model).id if entry is None else entry.id

    def _files(self, model: str) -> Generator[Wait, None, ModelFiles]:
        """Find a model's files, converting a .gguf file first if necessary."""
        if (yield from self._read(self._store.unconverted, model)):
            place = yield from self._read(self._store.place, model)
            yield from self._fetch(Pull(place.id))
        return (yield from self._read(self._store.find, model))

    def _fetch(self, request: Pull) -> Generator[Wait, None, None]:
        """Run the child process that pulls or converts this model, or join a running one."""
        try:
            yield from self._children.run(request.model, self._job(request))
        finally:
            self._changed(request.model)

    def _changed(self, model: str) -> None:
        """Discard the cached state of a model whose files have changed."""
        self._lifecycle.forget_failure(model)
        self._tokenizer.cache_clear()

    def _read(
        self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs
    ) -> Generator[Wait, None, T]:
        return (yield from settled(self._disk.submit(function, *args, **kwargs)))


def _answer(model: LoadedModel, request: Ask, load_s: float) -> Task:
    match request:
        case Continue():
            return continuation.run(model, request, load_s)
        case NBest():
            return nbest.run(model, request, load_s)
        case Find():
            return finding.run(model, request, load_s)
        case Trace():
            return tracing.run(model, request, load_s)
        case Fill():
            return masking.run(model, request, load_s)
        case PseudoLikelihood():
            return pseudo_likelihood.run(model, request, load_s)
        case ScorePairs():
            return continuity.run_pairs(model, request, load_s)
        case ScoreTexts():
            return text_scoring.run(model, request, load_s)
        case TrackWords():
            return tracking.run(model, request, load_s)
        case Document():
            return document.run(model, request, load_s)
        case never:
            assert_never(never)

"""Continues a prompt with a causal model: n branches in one batch; the prompt is read once."""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec import structs

from engine.decoding.prompting import Prompt, lay_out
from engine.decoding.stepping import Steps, predicted
from engine.decoding.stopping import StopStrings
from engine.errors import refusal
from engine.interfaces import Branches, CausalRuntime, Stream, Tokenizer
from engine.machine.loader import Loader
from engine.messages import (
    Alternative,
    BranchDone,
    Continue,
    Done,
    Event,
    Finish,
    Started,
    Timing,
    Token,
)
from engine.runtime.loaded import LoadedModel
from engine.runtime.prefix_cache import CHUNK
from engine.tasks.limits import causal, check_listed

if TYPE_CHECKING:
    import torch

    from engine.decoding.token_stats import Reading

Events = Generator[Event | None, None, None]

_MOMENT_S = 0.02
"""How long other tasks wait at a time while a chat is rendered; most chats take less."""


def run(model: LoadedModel, request: Continue, load_s: float) -> Events:
    """Yield `Started`, a `Token` for each token drawn, `BranchDone`s, and `Done`.

    Yields None between the chunks of a long prompt. A branch that ends leaves the batch, which does
    not affect the draws of the others. Closing the generator cancels.

    Raises:
        EngineError: see `engine.decoding.prompting.lay_out`.
    """
    # Not at the top: the worker imports its tasks before torch.
    from engine.decoding.sampling import Sampler, choose_seed
    from engine.decoding.token_stats import read

    clock = _Clock(load_s)
    runtime, prefix_cache = causal(model)
    _check_stops(request.stop)
    check_listed(model, request.sampling)
    prompt = yield from _lay_out(model, runtime, request)
    seed = choose_seed(request.sampling)
    yield Started(
        model=model.files.id,
        revision=model.files.revision,
        precision=model.precision,
        weights=model.files.weights,
        prompt=prompt.text,
        prompt_tokens=prompt.pieces,
        seed=seed,
        dropped_turns=prompt.dropped_turns,
        context=runtime.context,
        vocabulary=runtime.vocabulary,
    )
    ids = [piece.id for piece in prompt.pieces]
    batch = yield from prefix_cache.prefill(ids, len(ids) + len(prompt.begin))
    alive = _branches(model.tokenizer, request, prompt, runtime.context)
    # A list lacks most of what a word could begin with.
    words = _Words(model, boundaries=request.boundaries and model.listing is None)
    if prompt.begin:
        batch = yield from _begin(runtime, batch, prompt.begin, alive, request.top, words, clock)
        prefix_cache.keep(alive[0].ids, batch)
    if request.max_tokens == 0:
        after = words.boundary(batch.logits)[0]
        yield from [structs.replace(branch.done("length"), boundary=after) for branch in alive]
        yield Done(timing=clock.timing())
        return
    if request.branches > 1:
        batch = runtime.select(batch, [0] * request.branches)
    # Reading several tokens at once sums in another order. Where states are rounded, a difference
    # of 1e-7 grows in a few layers to as much as rounding costs: the text would be another one.
    alone = request.branches == 1 and model.precision == "exact"
    steps = Steps(runtime, batch, guessing=alone and model.listing is None)
    sampler = Sampler(request.sampling, seed)
    while True:
        logits = steps.logits
        drawn = sampler.draw(logits, [b.number for b in alive], [b.ids for b in alive])
        readings = read(logits, drawn.ids, request.top, model.listing)
        boundaries = words.boundary(logits)
        clock.tick(len(alive))
        events: list[Event] = []
        staying = []
        for row, (branch, token_id, sampled, reading) in enumerate(
            zip(alive, drawn.ids, drawn.logprobs, readings, strict=True)
        ):
            text, finish = branch.take(token_id)
            token = words.token(branch.number, token_id, text, reading, sampled, boundaries[row])
            events.append(token)
            if finish is None:
                staying.append(row)
            else:
                prefix_cache.keep(branch.ids[:-1], steps.rows, row)
                events.append(branch.done(finish))
        try:
            yield from events
        except GeneratorExit:
            for row in staying:
                prefix_cache.keep(alive[row].ids[:-1], steps.rows, row)
            raise
        if not staying:
            break
        steps.stay(staying)
        alive = [alive[row] for row in staying]
        steps.feed([branch.ids for branch in alive], alive[0].full - len(alive[0].ids))
    yield Done(timing=clock.timing())


def _lay_out(
    model: LoadedModel, runtime: CausalRuntime, request: Continue
) -> Generator[None, None, Prompt]:
    """Make the prompt; a chat's on a separate thread, as its template may take seconds."""
    if request.chat is None:
        return lay_out(model, runtime, request)
    prompt = Loader().submit(lay_out, model, runtime, request)
    while not prompt.done():
        wait([prompt], _MOMENT_S)
        yield None
    return prompt.result()


def _begin(
    runtime: CausalRuntime,
    row: Branches,
    ids: Sequence[int],
    branches: Sequence[_Branch],
    top: int,
    words: _Words,
    clock: _Clock,
) -> Generator[Event | None, None, Branches]:
    """Begin all branches with these ids; return the row that has read them."""
    from engine.decoding.token_stats import read

    whole = row.length + len(ids)
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        row, logits = predicted(runtime, row, chunk, whole)
        readings = read(logits, chunk, top, words.listing)
        boundaries = words.boundary(logits)
        clock.tick(len(chunk) * len(branches))
        for token_id, reading, boundary in zip(chunk, readings, boundaries, strict=True):
            for branch in branches:
                text = branch.give(token_id)
                yield words.token(
                    branch.number, token_id, text, reading, None, boundary, given=True
                )
        yield None
    return row


def _check_stops(stops: Sequence[str]) -> None:
    if "" in stops:
        raise refusal("bad_request", "empty_stop")


@dataclass
class _Branch:
    """One branch: its ids, the prompt's included, and the decoding of its text."""

    number: int
    ids: list[int]
    stream: Stream
    stops: StopStrings
    ends: frozenset[int]
    full: int
    """The length at which the branch ends, prompt included, and the reason given then."""
    reason: Finish
    stopped: bool = False

    def take(self, token_id: int) -> tuple[str, Finish | None]:
        """Add a token; return the text now complete, and why the branch ends, or None.

        An end token adds no text.
        """
        self.ids.append(token_id)
        if token_id in self.ends:
            return "", "eos"
        text, self.stopped = self.stops.push(self.stream.push(token_id))
        if self.stopped:
            return text, "stop"
        return text, self.reason if len(self.ids) == self.full else None

    def give(self, token_id: int) -> str:
        """Add a given token, which never ends the branch; return the text now complete."""
        self.ids.append(token_id)
        return self.stream.push(token_id)

    def done(self, finish: Finish) -> BranchDone:
        """End the branch, with the text held back: an incomplete character or stop string."""
        tail = ""
        if not self.stopped:
            tail, self.stopped = self.stops.push(self.stream.flush())
            tail += self.stops.flush()
        return BranchDone(branch=self.number, finish="stop" if self.stopped else finish, tail=tail)


def _branches(
    tokenizer: Tokenizer, request: Continue, prompt: Prompt, context: int | None
) -> list[_Branch]:
    ids = [piece.id for piece in prompt.pieces]
    full = len(ids) + len(prompt.begin) + request.max_tokens
    reason: Finish = "length"
    if context is not None and context < full:
        full, reason = context, "context"
    return [
        _Branch(
            number,
            list(ids),
            tokenizer.stream(ids),
            StopStrings(request.stop),
            tokenizer.ends,
            full,
            reason,
        )
        for number in range(request.branches)
    ]


class _Words:
    """Builds `Token` events. Caches the text of each token."""

    def __init__(self, model: LoadedModel, *, boundaries: bool) -> None:
        """`boundaries`: whether to compute how likely a new word begins."""
        self._model = model
        self.listing = model.listing
        self._tokenizer = model.tokenizer
        self._pieces: dict[int, tuple[str, str]] = {}
        self._boundaries = boundaries

    def boundary(self, logits: torch.Tensor) -> list[float | None]:
        """For each row, the log-probability of all tokens that begin with a space or end a text."""
        if not self._boundaries:
            return [None] * len(logits)
        from engine.decoding.word_ends import mass

        return mass(logits, self._beginnings).tolist()

    @cached_property
    def _beginnings(self) -> torch.Tensor:
        from engine.decoding.word_ends import beginnings

        return beginnings(self._model)

    def token(
        self,
        branch: int,
        token_id: int,
        text: str,
        reading: Reading,
        sampled: float | None,
        boundary: float | None,
        *,
        given: bool = False,
    ) -> Token:
        """The event for one token of a branch; `sampled` is None where the model's own
        log-probability was not changed."""
        return Token(
            branch=branch,
            id=token_id,
            text=text,
            piece=self._piece(token_id)[1],
            logprob=reading.logprob,
            sampled_logprob=reading.logprob if sampled is None else sampled,
            rank=reading.rank,
            entropy=reading.entropy,
            top=[
                Alternative(number, self._piece(number)[0], value) for number, value in reading.top
            ],
            given=given,
            boundary=boundary,
            normaliser=reading.normaliser,
        )

    def _piece(self, token_id: int) -> tuple[str, str]:
        """The text of an id and its spelling in the vocabulary; both empty for an unused id of a
        padded vocabulary."""
        found = self._pieces.get(token_id)
        if found is None:
            found = ("", "")
            if token_id < self._tokenizer.vocabulary:
                piece = self._tokenizer.token(token_id)
                found = (piece.text, piece.piece)
            self._pieces[token_id] = found
        return found


@dataclass
class _Clock:
    """Measures the speed of a run over all branches, starting after the first step."""

    load_s: float
    began: float = field(default_factory=lambda: time.perf_counter())
    first: float | None = None
    latest: float = 0.0
    tokens_after: int = 0

    def tick(self, tokens: int) -> None:
        """Record a step that produced this many tokens."""
        self.latest = time.perf_counter()
        if self.first is None:
            self.first = self.latest
        else:
            self.tokens_after += tokens

    def timing(self) -> Timing:
        """The figures so far."""
        first_token_s = None if self.first is None else self.first - self.began
        speed = None
        if self.first is not None and self.tokens_after:
            speed = self.tokens_after / (self.latest - self.first)
        return Timing(
            load_s=self.load_s,
            first_token_s=first_token_s,
            tokens_per_s=speed,
            total_s=time.perf_counter() - self.began,
        )

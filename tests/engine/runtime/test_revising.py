"""A text that is written, swapped, forked, stepped, undone, made again and stopped in any order.

Whatever was asked before, and whatever is kept of it, every figure is that of one plain forward of
transformers over the text alone, without a cache.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from transformers import PreTrainedModel

from engine import finite, wire
from engine.decoding.prompt_lookup import Lookup
from engine.interfaces import CausalRuntime
from engine.messages import (
    GREEDY,
    Continue,
    Event,
    Find,
    Found,
    NBest,
    NBestResult,
    Sampling,
    Token,
    Trace,
    Traced,
)
from engine.runtime.generic import GenericRuntime
from engine.runtime.loaded import LoadedModel
from engine.scheduler import Wait
from engine.tasks import continuation, finding, nbest, tracing
from tests.support import packed_models
from tests.support.fake_models import loaded
from tests.support.families import BORDERED, build, plain

pytestmark = pytest.mark.slow

PROMPT = [7, 8, 9, 7, 8, 9, 7, 8]
LONGEST = 50

GENERIC = ["gpt-neox", "gemma3, sliding and full", "lfm2, recurrent and full"]
PACKED = ["gpt2", "llama"]


class Text:
    """A text that a person goes back and forth in, beside a model that reads it anew each time."""

    def __init__(
        self, runtime: CausalRuntime, model: PreTrainedModel, *, bordered: bool = False
    ) -> None:
        """`bordered`: whether the model computes long texts differently from the beginning on."""
        self.loaded: LoadedModel = loaded(runtime)
        self.model = model
        self.bordered = bordered
        self.forwards: dict[tuple[int, ...], torch.Tensor] = {}
        self.ids = list(PROMPT)
        self.earlier: list[list[int]] = []
        self.last: Continue | None = None

    def go(self, what: str, number: int) -> None:
        """Do one operation, with parameters from `number`, and check its whole answer."""
        place = 1 + number % (len(self.ids) - 1)
        greedy = number % 3 > 0
        sampling = GREEDY if greedy else Sampling(temperature=1.5, seed=number)
        most = min(number % 9 + 1, LONGEST - len(self.ids))
        match what:
            case "write" if most > 0:
                self.ask(self.ids, sampling=sampling, max_tokens=most)
            case "step" if most > 0:
                self.ask(self.ids, sampling=sampling, max_tokens=1)
            case "swap":
                # A long way back or the very last token.
                place = len(self.ids) - 1 if number % 2 else place
                other = (self.ids[place] + number) % 60 + 1
                self.ask(self.ids[:place], begin=[other], sampling=sampling, max_tokens=number % 7)
            case "read":
                self.ask(self.ids[:1], begin=self.ids[1:], max_tokens=0)
            case "fork":
                branches = 2 + number % 2
                self.ask(self.ids[:place], sampling=sampling, max_tokens=4, branches=branches)
            case "undo" if self.earlier:
                self.ids = self.earlier.pop()
            case "again" if self.last is not None:
                self.run(self.last, None)
            case "cancel" if most > 0:
                self.ask(self.ids, 2 + number % 5, sampling=GREEDY, max_tokens=most)
            case "find":
                self.find(self.ids[:place])

    def ask(self, prompt: list[int], stop_after: int | None = None, **fields: object) -> None:
        asked = {"model": "m", "prompt": list(prompt), "top": 3, **fields}
        self.last = Continue(**asked)  # type: ignore[arg-type]
        self.run(self.last, stop_after)

    def run(self, request: Continue, stop_after: int | None) -> None:
        begun = [*request.prompt, *request.begin]
        branches: list[list[int]] = [[*request.prompt] for _ in range(request.branches)]
        found: list[list[tuple[Token, int]]] = [[] for _ in range(request.branches)]
        steps = continuation.run(self.loaded, request, 0.0)
        for count, event in enumerate(steps, 1):
            if event is not None and not isinstance(event, Wait):
                finite.check(event, wire.pack(event))
            if isinstance(event, Token):
                ids = branches[event.branch]
                # What is given is read as a whole, what is drawn after all that came before it.
                read = len(begun) if event.given else len(ids)
                found[event.branch].append((event, read))
                ids.append(event.id)
            if count == stop_after:
                steps.close()
        for ids, tokens in zip(branches, found, strict=True):
            self.check(request.prompt, ids, tokens)
        self.earlier.append(self.ids)
        self.ids = branches[0] if len(branches[0]) > len(begun) else begun

    def check(
        self, prompt: Sequence[object], ids: list[int], tokens: list[tuple[Token, int]]
    ) -> None:
        """The tokens after a prompt, each with the length of the text that was read for it."""
        for place, (token, read) in enumerate(tokens, len(prompt)):
            logprobs = self.plain(ids, read)[place - 1].log_softmax(-1)
            assert token.id == ids[place]
            assert token.logprob == pytest.approx(float(logprobs[token.id]), abs=1e-3)
            best = logprobs.topk(3).values.tolist()
            assert [other.logprob for other in token.top] == pytest.approx(best, abs=1e-3)

    def plain(self, ids: list[int], read: int) -> torch.Tensor:
        """Logits after each of the first `read` ids of a text, in one forward pass."""
        if not self.bordered:
            read = len(ids)
        key = tuple(ids[:read])
        if key not in self.forwards:
            self.forwards[key] = plain(self.model, list(key))
        return self.forwards[key]

    def find(self, ids: list[int]) -> None:
        logprobs = plain(self.model, ids)[-1].log_softmax(-1)
        events: list[Event | None] = []
        events += finding.run(self.loaded, Find(model="m", ids=ids, query="", limit=3), 0.0)
        events += tracing.run(self.loaded, Trace(model="m", ids=ids, sampling=GREEDY, top=3), 0.0)
        events += nbest.run(self.loaded, NBest(model="m", prompt=ids, n=1, max_tokens=1), 0.0)
        best = [found for event in events if (found := likeliest(event)) is not None]
        assert best == pytest.approx([float(logprobs.max())] * 3, abs=1e-3)


def likeliest(event: Event | None) -> float | None:
    """The log-probability of the likeliest next token, where an answer has it."""
    match event:
        case Found():
            return event.matches[0].logprob
        case Traced():
            return event.steps[0].top[0].logprob
        case NBestResult():
            return event.paths[0].logprob
        case _:
            return None


walks = st.lists(
    st.tuples(
        st.sampled_from(
            ["write", "write", "swap", "step", "fork", "undo", "again", "cancel", "find", "read"]
        ),
        st.integers(0, 999),
    ),
    min_size=2,
    max_size=8,
)
often = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def walk(text: Text, steps: list[tuple[str, int]]) -> None:
    """Take these steps, reading ahead of every draw: one guess that is right, two that are not."""

    def guess(lookup: Lookup, ids: list[int], most: int) -> list[int]:
        return [int(plain(text.model, ids)[-1].argmax()), 5, 6][:most]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Lookup, "guess", guess)
        for what, number in steps:
            text.go(what, number)


@pytest.mark.parametrize("family", [*GENERIC, "phi3, longrope", "llama, dynamic"])
def test_figures_of_transformers_own_classes(family: str) -> None:
    runtime, model = GenericRuntime(build(family)), build(family)

    @often
    @given(steps=walks)
    def any_walk(steps: list[tuple[str, int]]) -> None:
        walk(Text(runtime, model, bordered=family in BORDERED), steps)

    any_walk()


@pytest.mark.parametrize("variety", PACKED)
def test_figures_of_the_packed_decoder(saved: Callable[[str], Path], variety: str) -> None:
    runtime = packed_models.packed(saved(variety))
    model = packed_models.plain(saved(variety))

    @often
    @given(steps=walks)
    def any_walk(steps: list[tuple[str, int]]) -> None:
        walk(Text(runtime, model), steps)

    any_walk()


def test_a_row_without_its_logits_is_not_kept() -> None:
    runtime, model = GenericRuntime(build("llama")), build("llama")
    text = Text(runtime, model)
    prefix_cache = text.loaded.prefix_cache
    assert prefix_cache is not None
    row = runtime.feed(runtime.empty(), [PROMPT])
    prefix_cache.keep(PROMPT[:5], runtime.crop(row, 5))
    text.ask(PROMPT[:5], sampling=GREEDY, max_tokens=1)
    assert torch.isfinite(row.logits).all()

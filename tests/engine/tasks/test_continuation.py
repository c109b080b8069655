"""Continuation over models that say what a test needs: text, endings, branches, refusals."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from engine import tokenization
from engine.errors import EngineError
from engine.interfaces import Tokenizer
from engine.messages import (
    GREEDY,
    BranchDone,
    Continue,
    Done,
    Event,
    Sampling,
    Started,
    Token,
    Turn,
)
from engine.runtime.loaded import LoadedModel
from engine.runtime.prefix_cache import CHUNK
from engine.tasks import continuation
from tests.conftest import Tiny
from tests.support.fake_models import (
    END,
    OTHER_END,
    START,
    VOCABULARY,
    ByteTokenizer,
    FunctionModel,
    dreaming,
    loaded,
    scripted,
)

TEXTS = st.text("ab\n続😀é", max_size=12)


def answer(model: LoadedModel, request: Continue) -> list[Event]:
    return [event for event in continuation.run(model, request, 0.5) if event is not None]


def ask(
    prompt: str | list[int] = "p",
    *,
    sampling: Sampling = GREEDY,
    max_tokens: int = 100,
    stop: Sequence[str] = (),
    branches: int = 1,
    top: int = 0,
) -> Continue:
    return Continue(
        model="fake",
        prompt=prompt,
        sampling=sampling,
        max_tokens=max_tokens,
        stop=list(stop),
        branches=branches,
        top=top,
    )


def tokens(events: Sequence[Event], branch: int = 0) -> list[Token]:
    return [event for event in events if isinstance(event, Token) and event.branch == branch]


def ending(events: Sequence[Event], branch: int = 0) -> BranchDone:
    (done,) = [e for e in events if isinstance(e, BranchDone) and e.branch == branch]
    return done


def text(events: Sequence[Event], branch: int = 0) -> str:
    return "".join(token.text for token in tokens(events, branch)) + ending(events, branch).tail


def writes(script: Sequence[int], context: int | None = None) -> LoadedModel:
    """A model that writes this after a prompt of one token."""
    return loaded(FunctionModel(scripted(1, script), context))


def before_stop(whole: str, stops: Sequence[str]) -> tuple[str, bool]:
    """The text before the stop string that is complete first, by looking everywhere."""
    for end in range(1, len(whole) + 1):
        sizes = [len(stop) for stop in stops if whole[:end].endswith(stop)]
        if sizes:
            return whole[: end - max(sizes)], True
    return whole, False


# ------------------------------------------------------------------------------- text


@settings(deadline=None, max_examples=60)
@given(whole=TEXTS, stops=st.lists(TEXTS.filter(len), max_size=3))
def test_text_is_whole_characters_and_ends_before_a_stop_string(
    whole: str, stops: list[str]
) -> None:
    events = answer(writes(whole.encode()), ask(stop=stops))
    expected, stopped = before_stop(whole, stops)
    assert text(events) == expected
    assert ending(events).finish == ("stop" if stopped else "eos")
    assert not any("\ufffd" in token.text for token in tokens(events))


@settings(deadline=None, max_examples=60)
@given(script=st.binary(max_size=12))
def test_broken_bytes_become_one_text_all_the_same(script: bytes) -> None:
    assert text(answer(writes(script), ask())) == script.decode(errors="replace")


def test_a_character_cut_off_at_the_limit_is_the_tail() -> None:
    events = answer(writes("a続".encode()), ask(max_tokens=3))
    assert [token.text for token in tokens(events)] == ["a", "", ""]
    assert ending(events) == BranchDone(branch=0, finish="length", tail="\ufffd")


def test_half_a_stop_string_at_the_end_is_the_tail() -> None:
    events = answer(writes(b"ab"), ask(stop=["bc"]))
    assert [(token.id, token.text) for token in tokens(events)] == [(97, "a"), (98, ""), (END, "")]
    assert ending(events) == BranchDone(branch=0, finish="eos", tail="b")


class SlowTemplate(ByteTokenizer):
    """Its chat template waits until it is let go on."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def chat(self, turns: Sequence[Turn]) -> str:
        self.go.wait()
        return "p"


def test_a_chat_that_takes_long_to_lay_out_leaves_others_their_turns() -> None:
    slow = SlowTemplate()
    model = loaded(FunctionModel(scripted(1, b"ab")), slow)
    events = continuation.run(model, structs.replace(ask(), chat=[]), 0.0)
    assert [next(events) for _ in range(3)] == [None] * 3
    slow.go.set()
    assert text([event for event in events if event is not None]) == "ab"


@pytest.fixture(scope="session")
def byte_level(tiny: Tiny) -> Tokenizer:
    """A byte-level BPE: its tokens cut characters wherever that was frequent."""
    return tokenization.load(tiny("gpt2"))


@settings(deadline=None, max_examples=80)
@given(whole=st.text(max_size=20), data=st.data())
def test_byte_level_tokens_come_as_whole_characters(
    byte_level: Tokenizer, whole: str, data: st.DataObject
) -> None:
    parts = st.integers(0, len(whole)).flatmap(
        lambda start: st.integers(start, len(whole)).map(lambda end: whole[start:end])
    )
    stops = data.draw(st.lists(parts.filter(len), max_size=2) if whole else st.just([]))
    script = [piece.id for piece in byte_level.encode(whole)]
    (end,) = byte_level.ends
    prompt = [piece.id for piece in byte_level.prompt("p")]
    function = scripted(len(prompt), script, byte_level.vocabulary, end)
    causal = FunctionModel(function, vocabulary=byte_level.vocabulary)
    events = answer(loaded(causal, byte_level), ask(prompt, stop=stops))
    expected, stopped = before_stop(whole, stops)
    assert text(events) == expected
    assert ending(events).finish == ("stop" if stopped else "eos")
    if "\ufffd" not in whole:
        assert not any("\ufffd" in token.text for token in tokens(events))


# ---------------------------------------------------------------------------- endings


@pytest.mark.parametrize("end", [END, OTHER_END])
def test_every_end_token_ends_and_is_no_text(end: int) -> None:
    events = answer(writes([*b"ok", end, *b"more"]), ask())
    assert [token.id for token in tokens(events)] == [*b"ok", end]
    assert text(events) == "ok"
    assert ending(events).finish == "eos"


def test_the_limit_ends_a_text() -> None:
    events = answer(writes(b"abcdef"), ask(max_tokens=4))
    assert text(events) == "abcd"
    assert ending(events).finish == "length"


def test_an_ending_on_the_last_token_is_named_for_what_it_is() -> None:
    assert ending(answer(writes(b"ab\n"), ask(max_tokens=3, stop=["\n"]))).finish == "stop"
    assert ending(answer(writes(b"ab"), ask(max_tokens=3))).finish == "eos"


def test_a_full_context_keeps_the_text() -> None:
    events = answer(writes(b"abcdef", context=5), ask())
    assert text(events) == "abcd"
    assert ending(events).finish == "context"
    just = answer(writes(b"abcdef", context=5), ask(max_tokens=4))
    assert (text(just), ending(just).finish) == ("abcd", "length")


# --------------------------------------------------------------------------- branches


@pytest.mark.parametrize("branches", range(1, 9))
def test_a_branch_is_the_same_whatever_the_others_are(branches: int) -> None:
    sampling = Sampling(temperature=1.0, top_p=1.0, seed=4)

    def ids(count: int) -> list[list[int]]:
        model = loaded(FunctionModel(dreaming))
        events = answer(model, ask(sampling=sampling, max_tokens=12, branches=count))
        return [[token.id for token in tokens(events, branch)] for branch in range(count)]

    assert ids(branches) == ids(8)[:branches]


def test_a_branch_that_ends_leaves_the_batch() -> None:
    def brief(ids: Sequence[int]) -> torch.Tensor:
        """End with probability one half after each token."""
        logits = torch.full((VOCABULARY,), -torch.inf)
        logits[[97, END]] = 0.0
        return logits

    causal = FunctionModel(brief)
    sampling = Sampling(temperature=1.0, top_p=1.0, seed=0)
    events = answer(loaded(causal), ask(sampling=sampling, branches=8, max_tokens=20))
    lengths = [len(tokens(events, branch)) for branch in range(8)]
    assert len(set(lengths)) > 2
    # One row reads the prompt; then, at each step, the branches that have not ended yet.
    alive = [sum(length > step for length in lengths) for step in range(1, max(lengths))]
    assert causal.rows_fed == [1, *alive]
    for branch in range(8):
        mine = [e for e in events if isinstance(e, Token | BranchDone) and e.branch == branch]
        assert [isinstance(event, BranchDone) for event in mine].index(True) == len(mine) - 1


def test_steps_without_news_yield_none_and_closing_stops_the_model() -> None:
    causal = FunctionModel(dreaming)
    running = continuation.run(loaded(causal), ask(prompt="p" * (2 * CHUNK + 1)), 0.0)
    assert isinstance(next(running), Started)
    assert next(running) is None
    assert next(running) is None
    assert isinstance(next(running), Token)
    running.close()
    assert causal.rows_fed == [1, 1, 1]


# ---------------------------------------------------------------------------- numbers


def test_numbers_are_those_of_the_models_distribution() -> None:
    sampling = Sampling(temperature=0.5, top_k=3, seed=1)
    events = answer(loaded(FunctionModel(dreaming)), ask(sampling=sampling, max_tokens=9, top=5))
    ids = [*b"p"]
    for token in tokens(events):
        logits = dreaming(ids)
        logprobs = logits.log_softmax(-1)
        assert token.logprob == pytest.approx(logprobs[token.id].item(), abs=1e-5)
        assert token.rank == 1 + int((logits > logits[token.id]).sum()) <= 3
        entropy = -(logprobs.exp() * logprobs).sum().item()
        assert token.entropy == pytest.approx(entropy, abs=1e-4)
        best = logprobs.topk(5)
        assert [other.id for other in token.top] == best.indices.tolist()
        found = [other.logprob for other in token.top]
        assert found == pytest.approx(best.values.tolist(), abs=1e-5)
        assert [other.text for other in token.top] == [
            ByteTokenizer().token(other.id).text for other in token.top
        ]
        kept = (logits / 0.5).topk(3)
        sampled = kept.values.log_softmax(-1)[kept.indices.tolist().index(token.id)]
        ids.append(token.id)
        # top-p 0.95 may leave out the third of the three, which only raises the others
        assert sampled.item() - 1e-5 <= token.sampled_logprob <= 0


def test_impossible_tokens_leave_the_numbers_finite() -> None:
    def certain(ids: Sequence[int]) -> torch.Tensor:
        logits = torch.full((VOCABULARY,), -torch.inf)
        logits[97] = 1.0
        return logits

    (token, _) = tokens(answer(loaded(FunctionModel(certain)), ask(max_tokens=2, top=2)))
    assert (token.logprob, token.entropy, token.rank) == (0.0, 0.0, 1)
    assert [each.id for each in token.top] == [97]  # no figure that is infinite is shown


def test_alternatives_beyond_the_tokenizer_read_as_nothing() -> None:
    def padded(ids: Sequence[int]) -> torch.Tensor:
        logits = torch.zeros(VOCABULARY + 5)
        logits[[97, VOCABULARY + 4]] = torch.tensor([9.0, 8.0])
        return logits

    model = loaded(FunctionModel(padded, vocabulary=VOCABULARY + 5))
    (token,) = tokens(answer(model, ask(max_tokens=1, top=2)))
    assert [(other.id, other.text) for other in token.top] == [(97, "a"), (VOCABULARY + 4, "")]


def test_timing_counts_all_branches_after_the_first_token(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = iter(range(1000))
    monkeypatch.setattr("engine.tasks.continuation.time.perf_counter", lambda: float(next(now)))
    events = answer(writes(b"abcdef"), ask(branches=3, max_tokens=4))
    done = events[-1]
    assert isinstance(done, Done)
    # The clock moves one second each time it is asked: at the start, at each of four steps, at
    # the end. Three seconds after the first step, three more steps gave three tokens each.
    assert done.timing.load_s == 0.5
    assert done.timing.first_token_s == 1.0
    assert done.timing.tokens_per_s == 3.0
    assert done.timing.total_s == 5.0


def test_one_token_has_no_speed() -> None:
    done = answer(writes(b"abc"), ask(max_tokens=1))[-1]
    assert isinstance(done, Done)
    assert done.timing.first_token_s is not None
    assert done.timing.tokens_per_s is None


# ------------------------------------------------------------------- start and refusals


def test_started_reports_what_was_fed_and_how_to_repeat_it() -> None:
    model = loaded(FunctionModel(dreaming, context=40))
    started = answer(model, ask("hi", sampling=Sampling(), max_tokens=5))[0]
    assert isinstance(started, Started)
    assert [piece.id for piece in started.prompt_tokens] == [*b"hi"]
    assert (started.prompt, started.model, started.revision) == ("hi", "fake", "r1")
    assert started.context == 40
    assert started.seed is not None
    again = answer(model, ask("hi", sampling=Sampling(seed=started.seed), max_tokens=5))
    once_more = answer(model, ask("hi", sampling=Sampling(seed=started.seed), max_tokens=5))
    assert tokens(again) == tokens(once_more)


def test_greedy_has_no_seed() -> None:
    started = answer(writes(b"a"), ask(sampling=Sampling(temperature=0.0, seed=3)))[0]
    assert isinstance(started, Started)
    assert started.seed is None


def test_an_empty_prompt_begins_with_the_start_token() -> None:
    started = answer(writes(b"a"), ask(""))[0]
    assert isinstance(started, Started)
    assert [piece.id for piece in started.prompt_tokens] == [START]


def test_importing_the_task_imports_no_torch() -> None:
    code = "import sys, engine.runtime, engine.tasks.continuation; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_that_cannot_continue_is_refused() -> None:
    with pytest.raises(EngineError) as caught:
        answer(loaded(None), ask())
    assert caught.value.event.kind == "unable"


def test_an_empty_stop_string_is_refused() -> None:
    with pytest.raises(EngineError) as caught:
        answer(writes(b"a"), ask(stop=["\n", ""]))
    assert caught.value.event.kind == "bad_request"

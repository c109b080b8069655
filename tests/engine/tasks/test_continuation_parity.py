"""Continuation over real checkpoints against transformers' own classes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from msgspec import structs
from transformers import (
    AutoModelForCausalLM,
    GenerationConfig,
    LogitsProcessorList,
    PreTrainedModel,
)

from engine import runtime
from engine.decoding.sampling import processors
from engine.messages import GREEDY, BranchDone, Continue, Message, Sampling, Started, Token, Words
from engine.runtime.loaded import LoadedModel
from engine.tasks import continuation
from tests.conftest import Tiny
from tests.support.bundles import files
from tests.support.tiny import STARTER

CAUSAL = ("gpt2", "gpt2-sentencepiece", "llama", "qwen2")
SHARED = Path(__file__).resolve().parents[4] / "shared" / "models"
"""Real models that lie beside the repository on a developer's machine."""
CLOSE = 1e-4
"""Where the two best logits are closer than this, rounding may choose either."""


def load(folder: Path) -> LoadedModel:
    stages: list[Words] = []
    model = runtime.load(files(folder), lambda stage, percent: stages.append(stage))
    assert stages[0] == Message("stage.reading_tokenizer")
    assert stages[-1] == Message("stage.ready")
    return model


def folder_of(name: str, tiny: Tiny) -> Path:
    if name.startswith("starter"):
        return STARTER / name
    if name in CAUSAL:
        return tiny(name)
    folder = SHARED / name
    if not folder.is_dir():
        pytest.skip(f"{name} is not here")
    return folder


def answer(model: LoadedModel, request: Continue) -> tuple[list[int], list[Token], BranchDone]:
    """The ids of the prompt, and the tokens and the end of the first branch."""
    prompt: list[int] = []
    tokens: list[Token] = []
    end: BranchDone | None = None
    for event in continuation.run(model, request, 0.0):
        if isinstance(event, Started):
            prompt = [piece.id for piece in event.prompt_tokens]
        elif isinstance(event, Token) and event.branch == 0:
            tokens.append(event)
        elif isinstance(event, BranchDone) and event.branch == 0:
            end = event
    assert end is not None
    return prompt, tokens, end


def forward(model: PreTrainedModel, ids: list[int]) -> torch.Tensor:
    """float32 [len(ids), vocabulary] of one forward over everything."""
    with torch.inference_mode():
        logits: torch.Tensor = model(torch.tensor([ids]), use_cache=False).logits[0]
        return logits


def same_start(found: list[int], expected: list[int], logits: torch.Tensor) -> None:
    """Fail where two choices differ before the first step that rounding may decide.

    `logits` are those that each id of `expected` was chosen from.
    """
    best = logits.topk(2).values
    unsure = (best[:, 0] - best[:, 1] < CLOSE).nonzero()
    sure = int(unsure[0]) if len(unsure) else len(expected)
    assert sure > 5, "a model this unsure tests nothing"
    assert found[:sure] == expected[:sure]


@pytest.mark.parametrize(
    ("name", "text", "tokens"),
    [
        *[(name, "The city was quiet. 東京の街は", 60) for name in CAUSAL],
        ("starter-ja", "羽田空港に到着、東京の街は", 43),
        ("stories260k-llama", "Once upon a time", 200),
    ],
)
def test_greedy_is_generate(tiny: Tiny, name: str, text: str, tokens: int) -> None:
    folder = folder_of(name, tiny)
    model = load(folder)
    assert model.causal is not None
    assert model.causal.context is not None
    request = Continue(model=name, prompt=text, sampling=GREEDY, max_tokens=tokens)
    prompt, found, end = answer(model, request)
    assert len(prompt) + tokens <= model.causal.context
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    ends = sorted(model.tokenizer.ends)
    config = GenerationConfig(max_new_tokens=tokens, eos_token_id=ends, pad_token_id=ends[0])
    given = torch.tensor([prompt])
    made = reference.generate(
        given, attention_mask=torch.ones_like(given), generation_config=config
    )[0].tolist()
    expected = made[len(prompt) :]
    logits = forward(reference, made)[len(prompt) - 1 : -1]
    same_start([token.id for token in found], expected, logits)
    assert end.finish == ("eos" if found[-1].id in ends else "length")


def test_the_first_screen_has_its_answer() -> None:
    request = Continue(
        model="starter-ja", prompt="羽田空港に到着、東京の街は", sampling=GREEDY, max_tokens=43
    )
    model = load(STARTER / "starter-ja")
    _, tokens, end = answer(model, request)
    text = "".join(token.text for token in tokens) + end.tail
    kept = [token.id for token in tokens if token.id not in model.tokenizer.ends]
    # Every character came whole, and joined they are what the tokenizer makes of the ids.
    assert text
    assert text.strip() == model.tokenizer.decode(kept).strip()
    assert "\ufffd" not in text


@pytest.mark.parametrize("name", [*CAUSAL, "starter-ja"])
def test_numbers_are_those_of_one_plain_forward(tiny: Tiny, name: str) -> None:
    folder = folder_of(name, tiny)
    sampling = Sampling(
        temperature=1.2, top_k=50, top_p=0.9, min_p=0.001, repetition_penalty=1.1, seed=2
    )
    text = "What is baseball? 野球"
    request = Continue(
        model=name, prompt=text, sampling=sampling, max_tokens=24, branches=3, top=10
    )
    prompt, found, _ = answer(load(folder), request)
    ids = [*prompt, *(token.id for token in found)]
    reference = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    steps = LogitsProcessorList(processors(sampling).values())
    for place, logits in enumerate(forward(reference, ids)[len(prompt) - 1 : -1]):
        token = found[place]
        logprobs = logits.log_softmax(-1)
        assert token.logprob == pytest.approx(logprobs[token.id].item(), abs=CLOSE)
        assert token.normaliser is not None
        assert [other.logprob + token.normaliser for other in token.top] == pytest.approx(
            logits[[other.id for other in token.top]].tolist(), abs=CLOSE
        )
        entropy = -(logprobs.exp() * logprobs).sum().item()
        assert token.entropy == pytest.approx(entropy, abs=CLOSE)
        higher = [int((logits > logits[token.id] + gap).sum()) for gap in (CLOSE, -CLOSE)]
        assert token.rank is not None and higher[0] < token.rank <= higher[1]
        assert [other.logprob for other in token.top] == pytest.approx(
            logprobs.topk(10).values.tolist(), abs=CLOSE
        )
        assert [other.logprob for other in token.top] == pytest.approx(
            logprobs[[other.id for other in token.top]].tolist(), abs=CLOSE
        )
        history = torch.tensor([ids[: len(prompt) + place]])
        scores = steps(history, logits[None]).log_softmax(-1)[0]
        assert token.sampled_logprob == pytest.approx(scores[token.id].item(), abs=CLOSE)


@pytest.mark.parametrize("name", CAUSAL)
def test_a_branch_is_the_same_whatever_the_others_are(tiny: Tiny, name: str) -> None:
    model = load(tiny(name))

    def texts(branches: int) -> list[list[int]]:
        request = Continue(
            model=name, prompt="I", sampling=Sampling(seed=9), max_tokens=16, branches=branches
        )
        ids: list[list[int]] = [[] for _ in range(branches)]
        for event in continuation.run(model, request, 0.0):
            if isinstance(event, Token):
                ids[event.branch].append(event.id)
        return ids

    eight = texts(8)
    assert [texts(branches) for branches in (1, 2, 5)] == [eight[:1], eight[:2], eight[:5]]


@pytest.mark.parametrize("name", CAUSAL)
def test_text_is_what_the_ids_read_as(tiny: Tiny, name: str) -> None:
    """Random models say broken bytes all the time."""
    model = load(tiny(name))
    for seed in range(6):
        sampling = Sampling(temperature=1.0, top_p=1.0, seed=seed)
        request = Continue(model=name, prompt="Emoji 😀", sampling=sampling, max_tokens=40)
        _, tokens, end = answer(model, request)
        text = "".join(token.text for token in tokens) + end.tail
        kept = [
            token.id
            for token in tokens
            if token.id not in model.tokenizer.ends and token.id < model.tokenizer.vocabulary
        ]
        assert text.replace(" ", "") == model.tokenizer.decode(kept).replace(" ", "")


@pytest.mark.parametrize("name", [*CAUSAL, "starter-ja"])
@pytest.mark.parametrize("given", [1, 7, 20])
def test_a_text_that_is_given_reads_as_when_it_was_drawn(tiny: Tiny, name: str, given: int) -> None:
    """The numbers of given tokens are those of drawn ones, and the rest is drawn as before."""
    model = load(folder_of(name, tiny))
    request = Continue(
        model=name, prompt="東京の街は", sampling=Sampling(seed=3), max_tokens=20, top=4
    )
    _, drawn, _ = answer(model, request)
    begin = [token.id for token in drawn[:given]]
    again = structs.replace(request, begin=begin, max_tokens=len(drawn) - len(begin))
    _, tokens, _ = answer(model, again)
    assert [token.id for token in tokens] == [token.id for token in drawn]
    assert [token.given for token in tokens] == [n < len(begin) for n in range(len(tokens))]
    for token, other in zip(tokens, drawn, strict=True):
        assert token.text == other.text
        assert token.rank == other.rank
        assert token.logprob == pytest.approx(other.logprob, abs=1e-4)
        assert token.entropy == pytest.approx(other.entropy, abs=1e-4)


@pytest.mark.parametrize("name", [*CAUSAL, "starter-ja"])
def test_reading_a_text_scores_it_as_transformers_does(tiny: Tiny, name: str) -> None:
    folder = folder_of(name, tiny)
    model = load(folder)
    text = "東京の街は、夜も明るい。 It is bright."
    prompt, tokens, end = answer(
        model, Continue(model=name, prompt="", begin=text, max_tokens=0, top=2)
    )
    assert end.finish == "length"
    ids = torch.tensor([[*prompt, *(token.id for token in tokens)]])
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(ids).logits[0]
    expected = logits.log_softmax(-1)[len(prompt) - 1 : -1]
    found = torch.tensor([token.logprob for token in tokens])
    assert torch.allclose(found, expected.gather(-1, ids[0, len(prompt) :, None])[:, 0], atol=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "qwen2"])
def test_where_a_word_begins_is_the_mass_of_all_tokens_with_a_space(tiny: Tiny, name: str) -> None:
    folder = folder_of(name, tiny)
    model = load(folder)
    request = Continue(
        model=name, prompt="", begin="the cat sat", max_tokens=0, top=0, boundaries=True
    )
    prompt, tokens, end = answer(model, request)
    ids = [*prompt, *(token.id for token in tokens)]
    with torch.inference_mode():
        logits = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)(
            torch.tensor([ids])
        ).logits[0]
    begins = [
        number
        for number in range(model.tokenizer.vocabulary)
        if model.tokenizer.token(number).text[:1].isspace() or number in model.tokenizer.ends
    ]
    expected = logits.log_softmax(-1)[len(prompt) - 1 :, begins].logsumexp(-1).tolist()
    found = [token.boundary for token in tokens] + [end.boundary]
    assert found == pytest.approx(expected, abs=1e-4)


def test_drawn_tokens_show_where_a_word_begins_as_given_ones_do(tiny: Tiny) -> None:
    model = load(folder_of("gpt2", tiny))
    request = Continue(
        model="gpt2", prompt="the cat", sampling=GREEDY, max_tokens=6, top=1, boundaries=True
    )
    prompt, drawn, end = answer(model, request)
    assert end.boundary is None  # nothing was read after the last one
    ids = [token.id for token in drawn]
    read = structs.replace(request, prompt=prompt, begin=ids, max_tokens=0)
    _, given, _ = answer(model, read)
    assert [token.boundary for token in drawn] == pytest.approx(
        [token.boundary for token in given], abs=1e-4
    )
    assert [token.piece for token in drawn] == [model.tokenizer.token(n).piece for n in ids]

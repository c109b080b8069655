"""Many texts, scored in few forward passes, against transformers reading one text at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import transformers

from engine.messages import Done, PllMethod, PseudoLikelihood, ScoredBy, ScoreTexts, TextScore
from engine.runtime.loaded import LoadedModel
from engine.tasks import pseudo_likelihood, text_scoring
from tests.conftest import Tiny
from tests.support.bundles import STARTER, load
from tests.support.masked_reference import folder

TEXTS = [
    "The author next to the senators is good.",
    "The author next to the senators are good.",
    "The authors next to the senator are good",
    "As the criminal shot, the woman yelled",
    "The author next to the senators is good.",
    "",
    "a",
    "東京の夜は明るい。",
]
CAUSAL = ["gpt2", "gpt2-sentencepiece", "llama", "qwen2", "starter-ja"]


def where(kind: str, tiny: Tiny) -> Path:
    return STARTER / kind if kind.startswith("starter") else tiny(kind)


def scored(
    model: LoadedModel, texts: list[str], method: PllMethod | None = None, *, start: bool = True
) -> tuple[ScoredBy, list[TextScore]]:
    request = ScoreTexts(model=model.files.id, texts=texts, method=method, start=start)
    by, *events, done = text_scoring.run(model, request, 0.25)
    assert isinstance(by, ScoredBy)
    assert isinstance(done, Done) and done.timing.load_s == 0.25
    found = {event.index: event for event in events if isinstance(event, TextScore)}
    assert sorted(found) == list(range(len(texts)))
    assert len(found) == sum(isinstance(event, TextScore) for event in events)
    return by, [found[index] for index in range(len(texts))]


def plain(
    reference: torch.nn.Module, before: list[int], ids: list[int]
) -> Iterator[tuple[float, int, float]]:
    """The figures of each id, from one forward pass over all of them."""
    with torch.no_grad():
        logits = reference(torch.tensor([[*before, *ids]])).logits[0].double()
    for place, own in enumerate(ids, len(before)):
        if place:
            scores = logits[place - 1].log_softmax(0)
            entropy = float(torch.special.entr(scores.exp()).sum())
            yield float(scores[own]), 1 + int((scores > scores[own]).sum()), entropy


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_causal_model_scores_as_a_plain_loop(kind: str, tiny: Tiny) -> None:
    place = where(kind, tiny)
    model = load(place)
    by, found = scored(model, TEXTS)
    reference = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32).eval()
    start = None if by.start is None else model.tokenizer.find(by.start)
    before = [] if start is None else [start]
    for text, each in zip(TEXTS, found, strict=True):
        if not text:
            assert each.error is not None and each.error.kind == "bad_request"
            continue
        assert each.error is None
        ids = [token.id for token in each.tokens]
        assert ids == [piece.id for piece in model.tokenizer.encode(text)]
        assert all(text[token.start : token.end] for token in each.tokens if token.text.strip())
        tokens = each.tokens[0 if before else 1 :]
        for token, (logprob, rank, entropy) in zip(
            tokens, plain(reference, before, ids), strict=True
        ):
            assert token.logprob == pytest.approx(logprob, abs=1e-4)
            assert token.entropy == pytest.approx(entropy, abs=1e-4)
            assert token.rank is not None and abs(token.rank - rank) <= 1


def test_without_a_start_token_the_first_token_has_no_figures(tiny: Tiny) -> None:
    model = load(tiny("gpt2"))
    by, (whole, single) = scored(model, ["The city", "T"], start=False)
    assert by.start is None
    assert whole.tokens[0].logprob is None and whole.tokens[0].entropy is None
    assert all(token.logprob is not None for token in whole.tokens[1:])
    assert [token.logprob for token in single.tokens] == [None]


def test_a_text_longer_than_the_context_is_read_in_windows(tiny: Tiny) -> None:
    place = tiny("gpt2")
    model = load(place)
    assert model.causal is not None and model.causal.context == 96
    text = "The city was quiet in the morning, and the train came late. " * 12
    by, (found,) = scored(model, [text])
    ids = [token.id for token in found.tokens]
    assert len(ids) > 96 and found.windows == 1 + -(-(len(ids) - 95) // 47)
    reference = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32).eval()
    assert by.start is not None
    start = [model.tokenizer.find(by.start) or 0]
    expected = [figures[0] for figures in plain(reference, start, ids[:95])]
    for done in range(95, len(ids), 47):
        window = list(plain(reference, ids[done - 48 : done], ids[done : done + 47]))
        expected += [figures[0] for figures in window]
    assert [token.logprob for token in found.tokens] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("method", ["original", "within_word_l2r"])
@pytest.mark.parametrize("kind", ["bert-mlm", "roberta", "starter-en"])
def test_a_masked_model_scores_as_one_text_at_a_time(
    kind: str, method: PllMethod, tiny: Tiny
) -> None:
    """One text at a time is compared with transformers in test_pseudo_likelihood."""
    model = load(folder(kind, tiny), "masked")
    texts = [*TEXTS[:4], "The [MASK]"]
    by, found = scored(model, texts, method)
    assert (by.method, by.start) == (method, None)
    assert found[4].error is not None
    for text, each in zip(texts[:4], found, strict=False):
        request = PseudoLikelihood(model="m", text=text, methods=[method])
        *_, alone, _ = pseudo_likelihood.run(model, request, 0.0)
        expected = [(t.id, t.start, t.end, t.rank) for t in alone.tokens]  # type: ignore[union-attr]
        assert [(t.id, t.start, t.end, t.rank) for t in each.tokens] == expected
        scores = [t.logprob for t in alone.tokens]  # type: ignore[union-attr]
        assert [t.logprob for t in each.tokens] == pytest.approx(scores, abs=1e-4)


def test_what_texts_have_in_common_is_read_once(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(tiny("gpt2"))
    assert model.causal is not None
    fed: list[int] = []
    read = type(model.causal).read

    def counted(self: object, branches: object, ids: list[list[int]], whole: int = 0) -> object:
        fed.append(sum(map(len, ids)))
        return read(self, branches, ids, whole)  # type: ignore[arg-type]

    monkeypatch.setattr(type(model.causal), "read", counted)
    left = "The city was quiet in the morning, and the train came late, and the city was quiet"
    texts = [f"{left} in the {end}." for end in ("morning", "train", "city", "school")]
    scored(model, texts)
    cut = [len(model.tokenizer.encode(text)) for text in texts]
    common = len(model.tokenizer.encode(left))
    assert sum(fed) < common + 4 * (max(cut) - common + 3)


@pytest.mark.parametrize("kind", CAUSAL)
def test_what_is_expected_after_a_text_and_where_words_begin(kind: str, tiny: Tiny) -> None:
    """Also at the end of the context, where what comes after the text is in a part of its own."""
    place = where(kind, tiny)
    model = load(place)
    assert model.causal is not None
    texts = ["The author is good.", "a", "東京の夜は明るい。"]
    context = model.causal.context
    if context is not None and context < 200:
        long = "The city was quiet in the morning. " * 40
        last = model.tokenizer.encode(long)[context - 2]
        texts.append(long[: last.end])
    request = ScoreTexts(model="m", texts=texts, after=True, boundaries=True)
    by, *events, _ = text_scoring.run(model, request, 0.0)
    assert isinstance(by, ScoredBy)
    reference = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32).eval()
    start = None if by.start is None else model.tokenizer.find(by.start)
    before = [] if start is None else [start]
    ends = model.tokenizer.ends
    begins = [n for n, text in enumerate(model.texts) if text[:1].isspace() or n in ends]
    for event in filter(None, events):
        assert isinstance(event, TextScore) and event.after is not None
        ids = [token.id for token in event.tokens]
        half = 0 if context is None else context - 1 - (context - 1) // 2
        fed = [*before, *ids] if event.windows == 1 else ids[-half:]
        with torch.no_grad():
            logprobs = reference(torch.tensor([fed])).logits[0].double().log_softmax(-1)
        entropies = torch.special.entr(logprobs.exp()).sum(-1)
        boundaries = logprobs[:, begins].logsumexp(-1)
        assert event.after.entropy == pytest.approx(float(entropies[-1]), abs=1e-4)
        assert event.after.boundary == pytest.approx(float(boundaries[-1]), abs=1e-4)
        if event.windows == 1:
            known = [token.boundary for token in event.tokens[0 if before else 1 :]]
            assert known == pytest.approx(boundaries[: len(fed) - 1].tolist(), abs=1e-4)
    (without,) = scored(model, texts[:1])[1]
    assert without.after is None and all(token.boundary is None for token in without.tokens)

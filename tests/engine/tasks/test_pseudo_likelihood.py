"""Pseudo-log-likelihoods against plain forwards of transformers, one token at a time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers

from engine import tokenization
from engine.errors import EngineError
from engine.messages import (
    Done,
    Error,
    PllMethod,
    Progress,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    ScoreTexts,
    TextScore,
)
from engine.runtime import masked_rows
from engine.runtime.loaded import LoadedModel
from engine.tasks import pseudo_likelihood, text_scoring
from tests.conftest import Tiny
from tests.support.bundles import STARTER, load
from tests.support.masked_reference import FAMILIES, folder, logprobs, rows_read
from tui.strings import worded

TEXT = "The unquestionable traveler, lost the souvenir."


def pll(model: LoadedModel, text: str, method: PllMethod, top: int = 3) -> PseudoLikelihoodResult:
    request = PseudoLikelihood(model=model.files.id, text=text, methods=[method], top=top)
    *steps, result, done = pseudo_likelihood.run(model, request, 0.25)
    assert all(step is None or isinstance(step, Progress) for step in steps)
    assert isinstance(result, PseudoLikelihoodResult)
    assert isinstance(done, Done) and done.timing.load_s == 0.25
    return result


def refused(model: LoadedModel, text: str) -> Error:
    with pytest.raises(EngineError) as refusal:
        list(pseudo_likelihood.run(model, PseudoLikelihood(model="m", text=text), 0.0))
    return refusal.value.event


def by_definition(where: Path, text: str, method: PllMethod) -> list[tuple[int, float, float]]:
    """The id, log-probability and logit of each token: masked one after the other, each text read
    by itself; words are transformers' own."""
    reference = transformers.AutoModelForMaskedLM.from_pretrained(where, dtype=torch.float32)
    tokenizer = transformers.AutoTokenizer.from_pretrained(where)
    encoding = tokenizer(text, return_tensors="pt")
    ids = encoding.input_ids[0]
    words = encoding.word_ids(0)
    scores = []
    for place, word in enumerate(words):
        if word is None:
            continue
        masked = ids.clone()
        masked[place] = tokenizer.mask_token_id
        if method == "within_word_l2r":
            for later in range(place + 1, len(words)):
                if words[later] == word:
                    masked[later] = tokenizer.mask_token_id
        with torch.no_grad():
            logits = reference(**{**encoding, "input_ids": masked[None]}).logits[0, place]
        own = int(ids[place])
        scores.append((own, float(logits.double().log_softmax(0)[own]), float(logits[own])))
    return scores


@pytest.mark.parametrize("method", ["original", "within_word_l2r"])
@pytest.mark.parametrize("kind", FAMILIES)
def test_scores_are_the_definition(
    kind: str, method: PllMethod, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Batches of unlike size, so that most rows are read beside others.
    monkeypatch.setattr(masked_rows, "TOKENS", 100)
    where = folder(kind, tiny)
    result = pll(load(where, "masked"), TEXT, method)
    expected = by_definition(where, TEXT, method)
    assert [token.id for token in result.tokens] == [number for number, _, _ in expected]
    assert [token.logprob for token in result.tokens] == pytest.approx(
        [score for _, score, _ in expected], abs=1e-4
    )
    assert result.total == pytest.approx(sum(score for _, score, _ in expected), abs=1e-3)
    assert [token.logprob + (token.normaliser or 0.0) for token in result.tokens] == pytest.approx(
        [logit for _, _, logit in expected], abs=1e-4
    )
    assert [piece.id for piece in result.row if piece.start is not None] == [
        token.id for token in result.tokens
    ]
    assert result.method == method


def test_the_rest_of_a_word_is_masked_only_within_it(tiny: Tiny) -> None:
    model = load(STARTER / "starter-en", "masked")
    plain, strict = pll(model, TEXT, "original"), pll(model, TEXT, "within_word_l2r")
    words = [number for number in model.tokenizer.words(TEXT) if number is not None]
    last = [here != following for here, following in zip(words, [*words[1:], None], strict=True)]
    assert 1 < last.count(False) < len(last)
    for ending, a, b in zip(last, plain.tokens, strict.tokens, strict=True):
        assert (abs(a.logprob - b.logprob) < 1e-4) == ending


def test_methods_asked_for_together_read_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(STARTER / "starter-en", "masked")
    rows = rows_read(monkeypatch)
    methods: list[PllMethod] = ["original", "within_word_l2r"]
    request = PseudoLikelihood(model="m", text=TEXT, methods=methods, top=3)
    together = [
        step
        for step in pseudo_likelihood.run(model, request, 0.0)
        if isinstance(step, PseudoLikelihoodResult)
    ]
    assert rows and len(set(rows)) == len(rows)
    for result, method in zip(together, methods, strict=True):
        alone = pll(model, TEXT, method)
        assert [t.id for t in result.tokens] == [t.id for t in alone.tokens]
        assert result.total == pytest.approx(alone.total, abs=1e-3)


def test_the_entropy_is_that_of_the_whole_distribution(tiny: Tiny) -> None:
    where = tiny("bert-mlm")
    model, read = load(where, "masked"), logprobs(where)
    for place, token in enumerate(pll(model, TEXT, "original").tokens, start=1):
        ids = [piece.id for piece in model.tokenizer.single(TEXT)]
        assert model.tokenizer.mask is not None
        ids[place] = model.tokenizer.mask
        expected = read(ids, place)
        assert token.entropy == pytest.approx(-float((expected.exp() * expected).sum()), abs=1e-4)


def test_each_token_names_what_could_be_there() -> None:
    model = load(STARTER / "starter-en", "masked")
    result = pll(model, TEXT, "original", top=1000)
    for token in result.tokens:
        assert [other.logprob for other in token.top] == sorted(
            (other.logprob for other in token.top), reverse=True
        )
        assert TEXT[token.start : token.end].lower() == token.text
        if token.rank <= 1000:
            assert token.top[token.rank - 1].id == token.id
    assert pll(model, TEXT, "original", top=0).tokens[0].top == []


def test_progress_is_reported_between_forwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masked_rows, "TOKENS", 1)
    model = load(STARTER / "starter-en", "masked")
    request = PseudoLikelihood(model="m", text="the ball")
    steps = list(pseudo_likelihood.run(model, request, 0.0))
    assert steps[:2] == [Progress(done=1, total=2), None]


def test_what_cannot_be_scored_is_refused(tiny: Tiny) -> None:
    english = load(STARTER / "starter-en", "masked")
    assert refused(english, "a [MASK] here").kind == "bad_request"
    assert refused(english, " ").kind == "bad_request"
    causal = load(STARTER / "starter-ja", "causal")
    assert refused(causal, "東京").kind == "unable"
    assert "masked model" in worded(refused(causal, "東京").hint)
    assert refused(load(tiny("bert-nsp"), "next_sentence"), "a").kind == "unable"


def test_both_ways_to_cut_a_sentencepiece_model_agree_on_words(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes((tiny("albert") / "spiece.model").read_bytes())
    config = json.loads((tiny("albert") / "tokenizer_config.json").read_text())
    # A class that leaves all to sentencepiece.
    config |= {"tokenizer_class": "T5Tokenizer", "do_lower_case": True}
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    alone, library = tokenization.load(tmp_path), tokenization.load(tiny("albert"))
    assert type(alone) is not type(library)
    for text in (TEXT, "a [MASK] b", "昨日は 学校で"):
        assert alone.words(text) == library.words(text)
        assert len(alone.words(text)) == len(alone.single(text))


@pytest.mark.parametrize("method", ["original", "within_word_l2r"])
@pytest.mark.parametrize("kind", ["bert-mlm", "roberta"])
def test_each_token_of_a_long_text_is_read_in_the_middle_of_what_fits(
    kind: str, method: PllMethod, tiny: Tiny
) -> None:
    where = folder(kind, tiny)
    model = load(where, "masked")
    assert model.masked is not None and model.masked.context is not None
    text = "The unquestionable traveler, lost the souvenir. " * 14
    result = pll(model, text, method)
    reference = transformers.AutoModelForMaskedLM.from_pretrained(where, dtype=torch.float32)
    encoding = transformers.AutoTokenizer.from_pretrained(where)(text)
    words, (begin, *body, end) = encoding.word_ids(0)[1:-1], encoding.input_ids
    size = model.masked.context - 2
    assert len(body) > size and result.window == size and result.row == []
    assert [token.id for token in result.tokens] == body
    mask = model.tokenizer.mask
    for own, token in enumerate(result.tokens):
        first = min(max(0, own - size // 2), len(body) - size)
        later = method == "within_word_l2r"
        masked = [
            mask if n == own or (later and n > own and words[n] == words[own]) else body[n]
            for n in range(first, first + size)
        ]
        with torch.no_grad():
            logits = reference(torch.tensor([[begin, *masked, end]])).logits[0, own - first + 1]
        expected = float(logits.double().log_softmax(0)[body[own]])
        assert token.logprob == pytest.approx(expected, abs=1e-4)
    request = ScoreTexts(model="m", texts=[text], method=method)
    events = text_scoring.run(model, request, 0.0)
    (scored,) = (event for event in events if isinstance(event, TextScore))
    assert scored.windows == len(body) - size + 1
    assert [token.logprob for token in scored.tokens] == pytest.approx(
        [token.logprob for token in result.tokens], abs=1e-4
    )

"""Words through texts, against transformers reading every text up to every place anew."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
import transformers

from engine.errors import EngineError
from engine.messages import Done, ScoredBy, TrackedText, TrackedWord, TrackWords
from engine.runtime.loaded import LoadedModel
from engine.tasks import tracking
from engine.tasks.tracking import spelled
from tests.conftest import Tiny
from tests.support import masked_reference
from tests.support.bundles import STARTER, load
from tests.support.masked_reference import folder

TEXTS = ["The city was quiet, and the train came late.", "東京の街はとても静か", "a"]
WORDS = ["the", "school", "unquietly", "静か", "Zürich"]
CAUSAL = ["gpt2", "gpt2-sentencepiece", "llama", "qwen2", "starter-ja"]
MASKED = ["bert-mlm", "distilbert", "albert", "roberta", "modernbert", "starter-en"]


def where(kind: str, tiny: Tiny) -> Path:
    return STARTER / kind if kind.startswith("starter") else tiny(kind)


def tracked(
    model: LoadedModel,
    texts: Sequence[str | list[int]],
    words: Sequence[str] = WORDS,
    *,
    start: bool = True,
) -> tuple[ScoredBy, list[TrackedText]]:
    request = TrackWords(model="m", texts=list(texts), words=list(words), start=start)
    by, *events, done = tracking.run(model, request, 0.25)
    assert isinstance(by, ScoredBy)
    assert isinstance(done, Done) and done.timing.load_s == 0.25
    found = [event for event in events if isinstance(event, TrackedText)]
    assert sorted(each.index for each in found) == list(range(len(texts)))
    return by, sorted(found, key=lambda each: each.index)


def plain(reference: torch.nn.Module, before: list[int], ids: Sequence[int]) -> tuple[float, int]:
    """The log-probability of ids after others, and its rank among single ids."""
    with torch.no_grad():
        logits = reference(torch.tensor([[*before, *ids]])).logits[0].double()
    scores = logits.log_softmax(-1)[len(before) - 1 :]
    total = math.fsum(float(scores[n, own]) for n, own in enumerate(ids))
    return total, 1 + int((scores[0] > total).sum())


def agree(word: TrackedWord, expected: Sequence[tuple[float, int] | None]) -> None:
    assert len(word.logprobs) == len(word.ranks) == len(expected)
    for logprob, rank, own in zip(word.logprobs, word.ranks, expected, strict=True):
        if own is None:
            assert logprob is None and rank is None
        else:
            assert logprob == pytest.approx(own[0], abs=1e-4)
            assert rank is not None and abs(rank - own[1]) <= 1


@pytest.mark.parametrize("kind", CAUSAL)
def test_a_causal_model_tracks_as_a_plain_loop(kind: str, tiny: Tiny) -> None:
    place = where(kind, tiny)
    model = load(place)
    tokenizer = model.tokenizer
    by, found = tracked(model, TEXTS)
    reference = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32).eval()
    start = None if by.start is None else tokenizer.find(by.start)
    before = [] if start is None else [start]
    several = 0
    for text, each in zip(TEXTS, found, strict=True):
        pieces = tokenizer.encode(text)
        assert [token.id for token in each.tokens] == [piece.id for piece in pieces]
        ids = [piece.id for piece in pieces]
        for word in each.words:
            expected: list[tuple[float, int] | None] = []
            for at in range(len(ids) + 1):
                own = spelled(tokenizer, word.word, text[: pieces[at - 1].end] if at else "")
                prefix = [*before, *ids[:at]]
                known = prefix and tokenizer.unknown not in own
                expected.append(plain(reference, prefix, own) if known else None)
                several += len(own) > 1
            agree(word, expected)
    assert several


@pytest.mark.parametrize("kind", MASKED)
def test_a_masked_model_tracks_as_a_plain_loop(kind: str, tiny: Tiny) -> None:
    model = load(folder(kind, tiny), "masked")
    tokenizer = model.tokenizer
    read = masked_reference.logprobs(folder(kind, tiny))
    text = TEXTS[0]
    by, (each, broken) = tracked(model, [text, "The [MASK]"])
    assert (by.method, by.start) == ("original", None)
    assert broken.error is not None and not broken.words
    pieces = tokenizer.single(text)
    places = [number for number, piece in enumerate(pieces) if piece.start is not None]
    assert [token.id for token in each.tokens] == [pieces[number].id for number in places]
    mask = tokenizer.mask
    assert mask is not None
    ids = [piece.id for piece in pieces]
    for word in each.words:
        expected: list[tuple[float, int] | None] = []
        for number, position in enumerate(places):
            end = pieces[places[number - 1]].end if number else 0
            own = spelled(tokenizer, word.word, text[:end])
            if tokenizer.unknown in own:
                expected.append(None)
                continue
            left, right = ids[:position], ids[position + 1 :]
            total = 0.0
            for at, piece in enumerate(own):
                row = [*left, *own[:at], *[mask] * (len(own) - at), *right]
                total += float(read(row, position + at)[piece])
            alone = read([*left, mask, *right], position)
            expected.append((total, 1 + int((alone > total).sum())))
        agree(word, expected)


def test_how_a_word_is_spelled_where_it_stands(tiny: Tiny) -> None:
    gpt2 = load(tiny("gpt2")).tokenizer
    said = [
        "".join(gpt2.token(number).piece for number in spelled(gpt2, word, before))
        for word, before in (
            ("the", ""),
            ("the", "The city"),
            ("the", "The city\n"),
            ("the", "The city. "),
            ("the", "街"),
            ("Ġthe", ""),
            ("<|endoftext|>", "The"),
        )
    ]
    assert said == ["the", "Ġthe", "the", "the", "the", "Ġthe", "<|endoftext|>"]
    japanese = load(STARTER / "starter-ja").tokenizer
    assert spelled(japanese, "静か", "街は") == tuple(p.id for p in japanese.after("静か"))
    bert = load(STARTER / "starter-en", "masked").tokenizer
    assert [bert.token(n).piece for n in spelled(bert, "##ing", "the")] == ["##ing"]
    assert [bert.token(n).piece for n in spelled(bert, "He", "it was")] == ["he"]


def test_ids_are_read_as_they_are(tiny: Tiny) -> None:
    model = load(tiny("gpt2"))
    by, (text,) = tracked(model, ["The city was"], ["the", "unquietly"])
    assert by.start is not None
    ids = [token.id for token in text.tokens]
    start = model.tokenizer.find(by.start)
    assert start is not None
    _, (own, beyond) = tracked(model, [[start, *ids], [10**6]], ["the", "unquietly"])
    assert beyond.error is not None
    for one, other in zip(text.words, own.words, strict=True):
        assert other.logprobs[0] is None
        assert other.logprobs[1:] == pytest.approx(one.logprobs, abs=1e-5)
        assert other.ranks[1:] == one.ranks


def test_without_a_start_token_the_first_place_has_no_figures(tiny: Tiny) -> None:
    model = load(tiny("gpt2"))
    by, (found,) = tracked(model, ["The city"], ["the", "school bus"], start=False)
    assert by.start is None
    for word in found.words:
        assert word.logprobs[0] is None and word.ranks[0] is None
        assert all(each is not None for each in word.logprobs[1:])


@pytest.mark.parametrize("words", [["the"], ["the", "unquietly"]])
def test_a_text_longer_than_the_context_is_read_in_windows(words: list[str], tiny: Tiny) -> None:
    place = tiny("gpt2")
    model = load(place)
    assert model.causal is not None and model.causal.context == 96
    text = "The city was quiet in the morning, and the train came late. " * 8
    by, (found,) = tracked(model, [text], words)
    assert by.start is not None
    assert found.windows > 1
    reference = transformers.AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32).eval()
    start = [model.tokenizer.find(by.start) or 0]
    ids = [token.id for token in found.tokens]
    befores = ("", "a", "a ")
    longest = max(len(spelled(model.tokenizer, w, before)) for w in words for before in befores)
    first = 96 - longest  # places in the first window
    for word in found.words:
        for at in (0, 40, first - 1, first, len(ids)):
            end = found.tokens[at - 1].end if at else 0
            own = spelled(model.tokenizer, word.word, text[:end])
            before = [*start, *ids[:at]]
            if at >= first:
                begun = first + (at - first) // (first // 2) * (first // 2)
                before = ids[begun - (first - first // 2) : at]
            assert word.logprobs[at] == pytest.approx(plain(reference, before, own)[0], abs=1e-4)


def test_what_costs_too_much_is_refused_in_words(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load(tiny("gpt2"))
    _, (long,) = tracked(model, ["The city"], ["unquietly" * 20])
    assert long.error is not None and long.error.message.id == "long_word.message"  # type: ignore[union-attr]
    monkeypatch.setattr(tracking, "PASSES", 5)
    monkeypatch.setattr(tracking, "READ", 5)
    for one, short in ((model, "Ġthe"), (load(STARTER / "starter-en", "masked"), "the")):
        _, (found,) = tracked(one, ["The city was quiet"], [short, "unquietlyish"])
        assert found.error is not None
        assert found.error.message.id == "words_too_costly.message"  # type: ignore[union-attr]
        _, (cheap,) = tracked(one, ["The city was quiet"], [short])
        assert cheap.error is None
    with pytest.raises(EngineError):
        tracked(model, ["The"], [" "])

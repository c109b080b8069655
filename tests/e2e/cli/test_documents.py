"""The documents of the real program, compared with transformers on the same weights."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertTokenizerFast,
    GenerationConfig,
    GPT2LMHeadModel,
)

import engine
from tests.e2e.cli.conftest import Tsuzuki

STARTER = Path(engine.__file__).parent / "starter"
JA, EN = STARTER / "starter-ja", STARTER / "starter-en"
PROMPT = "羽田空港に到着、東京の街は"
TOLERANCE = 1e-4

Document = dict[str, Any]


def document(tsuzuki: Tsuzuki, *arguments: str) -> Document:
    """Run a command and read its one document."""
    ended = tsuzuki(*arguments, "--json")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert ended.stdout.count(b"\n") == 1
    read: Document = json.loads(ended.stdout)
    return read


@pytest.fixture(scope="module")
def gpt2() -> GPT2LMHeadModel:
    return GPT2LMHeadModel.from_pretrained(JA, dtype=torch.float32).eval()


def test_continue(tsuzuki: Tsuzuki, gpt2: GPT2LMHeadModel) -> None:
    told = document(tsuzuki, "continue", PROMPT, "--greedy", "--max-tokens", "12", "--top", "3")

    assert list(told)[:6] == ["model", "prompt", "prompt_tokens", "branches", "seed", "timing"]
    assert (told["model"], told["prompt"], told["seed"]) == ("starter-ja", PROMPT, None)
    (branch,) = told["branches"]
    assert "".join(token["text"] for token in branch["tokens"]) == branch["text"]
    prompt = [token["id"] for token in told["prompt_tokens"]]
    ids = [token["id"] for token in branch["tokens"]]
    with torch.no_grad():
        expected = gpt2.generate(
            torch.tensor([prompt]),
            generation_config=GenerationConfig(max_new_tokens=12, eos_token_id=2),
        )
        logits = gpt2(expected).logits[0, len(prompt) - 1 : -1]
    assert expected[0, len(prompt) :].tolist() == ids
    logprobs = logits.log_softmax(-1)
    for token, row in zip(branch["tokens"], logprobs, strict=True):
        assert token["logprob"] == pytest.approx(float(row[token["id"]]), abs=TOLERANCE)
        assert token["entropy"] == pytest.approx(float(-(row.exp() * row).sum()), abs=TOLERANCE)
        assert token["rank"] == 1 + int((row > row[token["id"]]).sum())
        best = row.topk(3)
        assert [other["id"] for other in token["top"]] == best.indices.tolist()
        assert [other["logprob"] for other in token["top"]] == pytest.approx(
            best.values.tolist(), abs=TOLERANCE
        )
    assert set(told["timing"]) >= {"load_s", "first_token_s", "tokens_per_s"}


def test_another_form_of_the_weights(tsuzuki: Tsuzuki) -> None:
    words = ("continue", PROMPT, "--greedy", "--max-tokens", "1")
    exact, small = (document(tsuzuki, *words, *form) for form in ((), ("--precision", "int4")))

    assert (exact["precision"], small["precision"]) == ("exact", "int4")
    (one,), (other,) = (told["branches"][0]["tokens"] for told in (exact, small))
    assert other["logprob"] != one["logprob"]  # it is no other name for the same weights
    assert other["logprob"] == pytest.approx(one["logprob"], abs=1.0)

    refused = tsuzuki("fill", "I [MASK].", "--precision", "int4")
    assert (refused.returncode, refused.stdout) == (1, b"")
    assert b"starter-en cannot run in int4" in refused.stderr


def test_fill(tsuzuki: Tsuzuki) -> None:
    sentence = "I played baseball with my friends at school yesterday"

    told = document(tsuzuki, "fill", sentence, "--mask", "3", "--top", "7")

    assert list(told)[:5] == ["model", "method", "text", "tokens", "masks"]
    assert (told["method"], told["text"]) == ("mlm", sentence.replace("baseball", "[MASK]"))
    tokenizer = BertTokenizerFast.from_pretrained(EN)
    fed = tokenizer(told["text"], return_tensors="pt")
    assert [token["id"] for token in told["tokens"]] == fed.input_ids[0].tolist()
    (mask,) = told["masks"]
    assert told["tokens"][mask["position"]]["id"] == tokenizer.mask_token_id
    with torch.no_grad():
        logits = BertForMaskedLM.from_pretrained(EN, dtype=torch.float32).eval()(**fed).logits
    probabilities = logits[0, mask["position"]].softmax(-1)
    best = probabilities.topk(7)
    assert [candidate["id"] for candidate in mask["candidates"]] == best.indices.tolist()
    assert [candidate["prob"] for candidate in mask["candidates"]] == pytest.approx(
        best.values.tolist(), abs=TOLERANCE
    )
    baseball = tokenizer.convert_tokens_to_ids("baseball")
    hidden = probabilities[baseball]
    assert mask["hidden"] == {
        "word": "baseball",
        "pieces": 1,
        "prob": pytest.approx(float(hidden), abs=TOLERANCE),
        "rank": 1 + int((probabilities > hidden).sum()),
        "logit": pytest.approx(float(logits[0, mask["position"], baseball]), abs=TOLERANCE),
    }


def test_score(tsuzuki: Tsuzuki) -> None:
    a, b = "What is baseball ?", "It is a geme of hitting the ball with the bat."

    told = document(tsuzuki, "score", a, b)

    tokenizer = BertTokenizerFast.from_pretrained(EN)
    model = BertForNextSentencePrediction.from_pretrained(EN, dtype=torch.float32).eval()
    for direction, pair in ((told, (a, b)), (told["reversed"], (b, a))):
        with torch.no_grad():
            logits = model(**tokenizer(*pair, return_tensors="pt")).logits[0]
        assert direction["logits"] == pytest.approx(logits.tolist(), abs=TOLERANCE)
        assert direction["margin"] == pytest.approx(float(logits[0] - logits[1]), abs=TOLERANCE)
        assert direction["probability"] == pytest.approx(
            float(logits.softmax(-1)[0]), abs=TOLERANCE
        )
    fed = tokenizer(a, b)
    assert told["method"] == "nsp"
    assert [token["id"] for token in told["tokens"]] == fed["input_ids"]
    assert [token["segment"] for token in told["tokens"]] == fed["token_type_ids"]
    assert told["attention_mask"] == fed["attention_mask"]


def test_score_by_a_causal_model(tsuzuki: Tsuzuki, gpt2: GPT2LMHeadModel) -> None:
    a, b = "今日は雨です。", "傘を持って行きます。"

    told = document(tsuzuki, "score", a, b, "--model", "starter-ja")

    whole = document(tsuzuki, "tokens", a + b)["tokens"]
    ids = [token["id"] for token in whole]
    # Cut once; what reaches over the join belongs to B.
    after = [token["id"] for token in whole if token["end"] > len(a)]
    start = gpt2.config.bos_token_id

    def logprob(before: list[int]) -> float:
        with torch.no_grad():
            rows = gpt2(torch.tensor([[*before, *after]])).logits[0].log_softmax(-1)
        places = range(len(before) - 1, len(before) + len(after) - 1)
        return sum(float(rows[at, token]) for at, token in zip(places, after, strict=True))

    conditional, alone = logprob([start, *ids[: -len(after)]]), logprob([start])
    assert (told["method"], told["join"], told["start"]) == ("pmi", "", "<s>")
    assert told["logprob_conditional"] == pytest.approx(conditional, abs=1e-3)
    assert told["logprob_alone"] == pytest.approx(alone, abs=1e-3)
    bits = (conditional - alone) / math.log(2)
    assert told["bits"] == pytest.approx(bits, abs=1e-2)
    assert told["bits_per_token"] == pytest.approx(bits / len(after), abs=1e-2)
    assert set(told["reversed"]) >= {
        "bits",
        "bits_per_token",
        "logprob_conditional",
        "logprob_alone",
    }


def test_fill_by_a_causal_model(tsuzuki: Tsuzuki) -> None:
    told = document(tsuzuki, "fill", "私は[MASK]に住んでいます。", "--model", "starter-ja")

    assert told["method"] == "causal"
    (mask,) = told["masks"]
    assert len(mask["candidates"]) == 5
    assert told["pool"] >= 5
    probabilities = [candidate["prob"] for candidate in mask["candidates"]]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1


@pytest.mark.parametrize("model", ["starter-ja", "starter-en"])
@pytest.mark.parametrize("sentence", ["It is 東京, 🗼!", "ＡＢＣ が\n👩‍🚀", "", "[MASK] x"])
def test_tokens(tsuzuki: Tsuzuki, model: str, sentence: str) -> None:
    told = document(tsuzuki, "tokens", sentence, "--model", model)

    assert list(told)[:2] == ["model", "tokens"]
    before = 0
    for token in told["tokens"]:
        assert list(token)[:6] == ["id", "text", "piece", "special", "start", "end"]
        if token["special"] and token["start"] is None:
            continue
        assert before <= token["start"] <= token["end"] <= len(sentence)
        before = token["start"]


def test_models(tsuzuki: Tsuzuki) -> None:
    told = document(tsuzuki, "models", "list")

    by_id = {model["id"]: model for model in told["models"]}
    assert set(by_id) >= {
        "starter-ja",
        "starter-en",
        "smollm2-135m-instruct",
        "rinna-japanese-gpt2-xsmall",
        "bert-base-uncased",
        "gpt2",
        "distilgpt2",
        "albert-base-v2",
    }
    assert by_id["starter-ja"]["state"] == "on_disk"
    assert Path(by_id["starter-ja"]["path"]).is_dir()
    assert by_id["gpt2"]["state"] == "absent"
    for model in told["models"]:
        assert list(model)[:9] == [
            "id",
            "roles",
            "languages",
            "bytes",
            "licence",
            "source",
            "path",
            "state",
            "reason",
        ]
    assert document(tsuzuki, "models", "info", "starter-en") == by_id["starter-en"]


def test_doctor(tsuzuki: Tsuzuki) -> None:
    ended = tsuzuki("doctor", "--json")

    told = json.loads(ended.stdout)
    assert ended.returncode == (0 if told["healthy"] else 1)
    checks = {check["name"]: check for section in told["sections"] for check in section["checks"]}
    assert checks["worker"]["mark"] == "ok"
    assert checks["starter-ja"]["mark"] == checks["starter-en"]["mark"] == "ok"
    assert checks["torch"]["value"]

"""`tsuzuki pll`, `pairs` and the additions to `fill`, against transformers on the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertForMaskedLM, BertTokenizerFast, GPT2LMHeadModel

from tests.e2e.cli.conftest import Tsuzuki
from tests.e2e.cli.test_documents import EN, JA, document

GOOD, BAD = "The dogs are in the house.", "The dogs is in the house."


def pll(text: str) -> list[float]:
    """One token after the other behind a mask, by the plain classes."""
    model = BertForMaskedLM.from_pretrained(EN, dtype=torch.float32).eval()
    tokenizer = BertTokenizerFast.from_pretrained(EN)
    ids = tokenizer(text, return_tensors="pt").input_ids
    scores = []
    for place in range(1, ids.shape[1] - 1):
        masked = ids.clone()
        masked[0, place] = tokenizer.mask_token_id
        with torch.inference_mode():
            scored = model(masked).logits[0, place].log_softmax(0)
        scores.append(float(scored[ids[0, place]]))
    return scores


def test_pll(tsuzuki: Tsuzuki) -> None:
    told = document(tsuzuki, "pll", GOOD)
    assert list(told) == ["model", "method", "tokens", "total"]
    expected = pll(GOOD)
    assert [token["logprob"] for token in told["tokens"]] == pytest.approx(expected, abs=1e-4)
    assert told["total"] == pytest.approx(sum(expected), abs=1e-3)


def test_pairs_under_both_kinds_of_model(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text(f"{GOOD}\t{BAD}\n", encoding="utf-8")
    told = document(tsuzuki, "pairs", str(file))
    (row,) = told["rows"]
    assert row["difference"] == pytest.approx(sum(pll(GOOD)) - sum(pll(BAD)), abs=1e-3)
    assert told["accuracy"] == float(row["correct"])

    sides = ("東京の夜は明るい。", "東京の夜を明るい。")
    file.write_text("\t".join(sides) + "\n", encoding="utf-8")
    told = document(tsuzuki, "pairs", str(file), "--model", "starter-ja")
    (row,) = told["rows"]
    model = GPT2LMHeadModel.from_pretrained(JA, dtype=torch.float32).eval()
    totals = []
    for side in sides:
        cut = document(tsuzuki, "surprisal", side)
        ids = torch.tensor([[1, *(token["id"] for token in cut["tokens"])]])
        with torch.inference_mode():
            logprobs = model(ids).logits[0, :-1].log_softmax(-1)
        totals.append(float(logprobs.gather(1, ids[0, 1:, None]).sum()))
    assert told["method"] == "causal"
    assert [row["good_logprob"], row["bad_logprob"]] == pytest.approx(totals, abs=1e-3)


def test_words_and_joint_fillings(tsuzuki: Tsuzuki) -> None:
    told = document(tsuzuki, "fill", "The [MASK] is [MASK].", "--words", "house,skyscraper")
    assert [(word["text"], word["mask"]) for word in told["words"]] == [
        ("house", 1),
        ("skyscraper", 1),
        ("house", 2),
        ("skyscraper", 2),
    ]
    assert told["words"][0]["pieces"] == 1 < told["words"][1]["pieces"]
    told = document(tsuzuki, "fill", "I [MASK] to the [MASK].", "--joint", "left_to_right")
    assert all(len(filling["words"]) == 2 for filling in told["joint"])
    assert told["joint"][0]["logprob"] == pytest.approx(
        max(score for row in told["table"]["left_first"] for score in row), abs=1e-3
    )

"""`tsuzuki suite` against transformers, one sentence at a time, on the same weights."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel

from tests.e2e.cli.conftest import Tsuzuki
from tests.e2e.cli.test_documents import JA, document
from tests.e2e.cli.test_masked_scores import BAD, GOOD, pll
from tests.tui.suites.test_reading import condition, suite

REGIONS = {
    "a": ("東京の", "夜は", "", "明るい", "。"),
    "b": ("東京の", "夜を", "とても", "明るい", "。"),
}


def test_regions_under_a_causal_model(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "suite.json"
    item = {"item_number": 1, "conditions": [condition(n, *r) for n, r in REGIONS.items()]}
    file.write_text(suite(item), encoding="utf-8")
    told = document(tsuzuki, "suite", str(file), "--model", "starter-ja")
    assert list(told) == ["suite", "model", "items", "accuracy"]
    model = GPT2LMHeadModel.from_pretrained(JA, dtype=torch.float32).eval()
    (scored,) = told["items"]
    for name, regions in REGIONS.items():
        text = "".join(regions)
        cut = document(tsuzuki, "surprisal", text)["tokens"]
        ids = torch.tensor([[1, *(token["id"] for token in cut)]])
        with torch.inference_mode():
            logprobs = model(ids).logits[0, :-1].log_softmax(-1)
        found = logprobs.gather(1, ids[0, 1:, None])[:, 0].tolist()
        bits = [0.0] * len(regions)
        ends = [len("".join(regions[: n + 1])) for n in range(len(regions))]
        for token, logprob in zip(cut, found, strict=True):
            bits[next(n for n, end in enumerate(ends) if token["start"] < end)] -= logprob
        expected = [each / math.log(2) for each in bits]
        assert scored["regions"][name] == pytest.approx(expected, abs=1e-4)
    second = {name: values[1] for name, values in scored["regions"].items()}
    assert scored["predictions"] == [second["a"] < second["b"]]


def test_pairs_under_a_masked_model(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "pairs.jsonl"
    file.write_text(json.dumps({"sentence_good": GOOD, "sentence_bad": BAD}), encoding="utf-8")
    told = document(tsuzuki, "suite", str(file), "--model", "starter-en")
    (scored,) = told["items"]
    for name, text in (("sentence_good", GOOD), ("sentence_bad", BAD)):
        assert scored["regions"][name] == pytest.approx([-sum(pll(text)) / math.log(2)], abs=1e-3)

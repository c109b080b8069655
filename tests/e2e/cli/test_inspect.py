"""`tsuzuki inspect` against transformers on the same weights."""

from __future__ import annotations

import pytest
import torch
from transformers import BertForPreTraining, BertTokenizerFast, GPT2LMHeadModel

from tests.e2e.cli.conftest import Tsuzuki
from tests.e2e.cli.test_documents import EN, JA, PROMPT, TOLERANCE, document


def test_attention_and_attribution_of_a_decoder(tsuzuki: Tsuzuki) -> None:
    found = document(
        tsuzuki, "inspect", PROMPT, "--what", "attention", "--layer", "2", "--head", "3"
    )
    ids = torch.tensor([[token["id"] for token in found["tokens"]]])
    model = GPT2LMHeadModel.from_pretrained(
        JA, attn_implementation="eager", dtype=torch.float32
    ).eval()
    with torch.inference_mode():
        output = model(ids, output_attentions=True)
    expected = output.attentions[2][0, 3]
    assert torch.allclose(torch.tensor(found["attention"]), expected, atol=TOLERANCE)
    found = document(tsuzuki, "inspect", PROMPT, "--what", "attribution")["attribution"]
    best = output.logits[0, -1].topk(2)
    assert [word["id"] for word in found["words"]] == best.indices.tolist()
    total = found["embedding"] + found["constant"] + sum(found["layers"])
    assert total == pytest.approx(float(best.values[0] - best.values[1]), abs=1e-3)


def test_lens_and_tensors_of_an_encoder_and_its_pair(tsuzuki: Tsuzuki) -> None:
    pair = ("What is baseball ?", "It is a game.")
    fed = BertTokenizerFast.from_pretrained(EN)(*pair, return_tensors="pt")
    model = BertForPreTraining.from_pretrained(EN, dtype=torch.float32).eval()
    with torch.inference_mode():
        output = model(**fed, output_hidden_states=True)
        words = [model.cls.predictions(states)[0] for states in output.hidden_states[1:]]
    found = document(tsuzuki, "inspect", *pair, "--what", "lens")
    assert [token["id"] for token in found["tokens"]] == fed.input_ids[0].tolist()
    for row, logits in zip(found["lens"], words, strict=True):
        best = logits.softmax(-1).max(-1)
        assert [cell["id"] for cell in row] == best.indices.tolist()
        assert [cell["prob"] for cell in row] == pytest.approx(best.values.tolist(), abs=TOLERANCE)
    found = document(tsuzuki, "inspect", *pair, "--what", "tensors")
    shapes = {tensor["name"]: tensor["shape"] for tensor in found["tensors"]}
    assert shapes["seq_relationship_logits"] == [1, 2]
    assert shapes["logits"] == list(output.prediction_logits.shape)

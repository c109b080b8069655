"""Encoders against transformers' own classes, and heads that are not there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file

from engine import tokenization
from engine.errors import EngineError
from engine.messages import Piece
from engine.runtime.masked import EncoderRuntime, load_masked
from engine.store import checkpoint
from tests.conftest import Tiny
from tests.support.bundles import STARTER, files, quiet
from tui.strings import worded

TEXTS = ["I played [MASK] with my friends.", "[MASK]", "The [MASK] was [MASK] in the morning ."]
MASKED = ["bert", "bert-mlm", "bert-vocab", "albert", "distilbert", "roberta", "modernbert"]
PAIR = ("What is baseball ?", "It is a geme of hitting the ball with the bat.")


def whole(kind: str, tiny: Tiny) -> Path:
    return STARTER / kind if kind == "starter-en" else tiny(kind)


@pytest.mark.parametrize("kind", [*MASKED, "starter-en"])
def test_masks_equal_transformers(kind: str, tiny: Tiny) -> None:
    folder = whole(kind, tiny)
    both = kind in ("bert", "bert-vocab", "starter-en")
    found = files(folder, "masked", "next_sentence") if both else files(folder, "masked")
    ours = load_masked(found, quiet)
    reference = transformers.AutoModelForMaskedLM.from_pretrained(folder, dtype=torch.float32)
    cut = tokenization.load(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    for text in TEXTS:
        pieces = cut.single(text)
        positions = [n for n, piece in enumerate(pieces) if piece.id == cut.mask]
        inputs = tokenizer(text.replace("[MASK]", tokenizer.mask_token), return_tensors="pt")
        with torch.no_grad():
            expected = reference(**inputs).logits[0, positions]
        found_logits = ours.mask_logits([pieces], [(0, n) for n in positions])
        assert torch.allclose(found_logits, expected, atol=1e-5, rtol=1e-6)


@pytest.mark.parametrize("kind", ["bert", "bert-nsp", "starter-en"])
def test_next_sentences_equal_transformers_alone_and_side_by_side(kind: str, tiny: Tiny) -> None:
    folder = whole(kind, tiny)
    heads = files(folder, "next_sentence")
    if kind != "bert-nsp":
        heads = files(folder, "masked", "next_sentence")
    ours = load_masked(heads, quiet)
    reference = transformers.BertForNextSentencePrediction.from_pretrained(
        folder, dtype=torch.float32
    )
    cut = tokenization.load(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pairs = [PAIR, PAIR[::-1], ("a", "b" * 20)]
    with torch.no_grad():
        expected = [reference(**tokenizer(*pair, return_tensors="pt")).logits for pair in pairs]
    cuts = [cut.pair(*pair) for pair in pairs]
    for one, alone in zip(cuts, expected, strict=True):
        # Not to the bit: the last layer multiplies fewer rows here.
        assert torch.allclose(ours.next_sentence([one]), alone, atol=1e-5)
    assert torch.allclose(ours.next_sentence(cuts), torch.cat(expected), atol=1e-5)


def test_sentence_order_equals_transformers_alone_and_side_by_side(tiny: Tiny) -> None:
    folder = tiny("albert-order")
    ours = load_masked(files(folder, "masked", "sentence_order"), quiet)
    reference = transformers.AlbertForPreTraining.from_pretrained(folder, dtype=torch.float32)
    cut = tokenization.load(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    pairs = [PAIR, PAIR[::-1], ("a", "b" * 20)]
    # transformers 5 leaves the segments out unless asked, though ALBERT was trained with them.
    segments = {"return_tensors": "pt", "return_token_type_ids": True}
    inputs = [tokenizer(*pair, **segments) for pair in pairs]
    with torch.no_grad():
        expected = [reference(**each).sop_logits for each in inputs]
    cuts = [cut.pair(*pair) for pair in pairs]
    for one, fed, alone in zip(cuts, inputs, expected, strict=True):
        assert [piece.id for piece in one] == fed.input_ids[0].tolist()
        assert [piece.segment for piece in one] == fed.token_type_ids[0].tolist()
        assert torch.equal(ours.sentence_order([one]), alone)
    assert torch.allclose(ours.sentence_order(cuts), torch.cat(expected), atol=1e-5)
    with pytest.raises(EngineError) as refusal:
        load_masked(files(tiny("albert"), "masked", "sentence_order"), quiet)
    assert refusal.value.event.kind == "broken_model"
    with pytest.raises(EngineError) as refusal:
        load_masked(files(tiny("albert"), "masked"), quiet).sentence_order(cuts)
    assert refusal.value.event.kind == "unable"


@pytest.mark.parametrize("kind", [*MASKED, "bert-nsp", "albert-order", "starter-en"])
def test_states_equal_transformers_side_by_side(kind: str, tiny: Tiny) -> None:
    folder = whole(kind, tiny)
    ours = load_masked(files(folder, *checkpoint.read(folder).heads), quiet)
    reference = transformers.AutoModel.from_pretrained(folder, dtype=torch.float32)
    cut = tokenization.load(folder)
    rows = [cut.single(text) for text in TEXTS]
    states = ours.states(rows)
    for row, found in zip(rows, states, strict=True):
        ids = torch.tensor([[piece.id for piece in row]])
        with torch.no_grad():
            expected = reference(ids, output_hidden_states=True).hidden_states[-1][0]
        assert torch.allclose(found[: len(row)], expected, atol=1e-5)


def test_a_head_that_the_files_lack_is_refused_at_loading(tiny: Tiny) -> None:
    with pytest.raises(EngineError) as refusal:
        load_masked(files(tiny("bert-mlm"), "masked", "next_sentence"), quiet)
    assert refusal.value.event.kind == "broken_model"
    with pytest.raises(EngineError) as refusal:
        load_masked(files(tiny("bert-nsp"), "masked"), quiet)
    assert refusal.value.event.kind == "broken_model"


def test_a_head_that_was_not_loaded_answers_nothing(tiny: Tiny) -> None:
    pieces = [Piece(2, "[CLS]", "[CLS]"), Piece(4, "[MASK]", "[MASK]"), Piece(3, "[SEP]", "[SEP]")]
    filler = load_masked(files(tiny("bert"), "masked"), quiet)
    assert filler.mask_logits([pieces], [(0, 1)]).shape == (1, 6000)
    with pytest.raises(EngineError) as refusal:
        filler.next_sentence([pieces])
    assert refusal.value.event.kind == "unable"
    judge = load_masked(files(tiny("bert"), "next_sentence"), quiet)
    assert judge.next_sentence([pieces]).shape == (1, 2)
    with pytest.raises(EngineError) as refusal:
        judge.mask_logits([pieces], [(0, 1)])
    assert refusal.value.event.kind == "unable"


def test_half_a_head_is_no_head(tiny: Tiny, tmp_path: Path) -> None:
    weights = load_file(tiny("bert") / "model.safetensors")
    del weights["cls.seq_relationship.bias"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_bytes((tiny("bert") / "config.json").read_bytes())
    with pytest.raises(EngineError) as refusal:
        load_masked(files(tmp_path, "masked", "next_sentence"), quiet)
    assert "seq_relationship.bias" in worded(refusal.value.event.message)


@pytest.mark.parametrize(("kind", "context"), [("bert", 64), ("roberta", 64), ("modernbert", 64)])
def test_a_full_context_can_be_read(kind: str, context: int, tiny: Tiny) -> None:
    ours = load_masked(files(tiny(kind), "masked"), quiet)
    assert ours.context == context
    cut = tokenization.load(tiny(kind))
    assert cut.mask is not None
    pieces = [cut.token(cut.mask)] * context
    assert ours.mask_logits([pieces], [(0, 0)]).isfinite().all()


@pytest.mark.parametrize("padding", [0, 1, 3])
@pytest.mark.parametrize(
    ("config", "architecture", "offset"),
    [
        (transformers.RobertaConfig, transformers.RobertaForMaskedLM, None),
        (transformers.XLMRobertaConfig, transformers.XLMRobertaForMaskedLM, None),
        (transformers.CamembertConfig, transformers.CamembertForMaskedLM, None),
        (transformers.MPNetConfig, transformers.MPNetForMaskedLM, 1),
        (transformers.BertConfig, transformers.BertForMaskedLM, -1),
    ],
)
def test_positions_are_counted_as_the_class_counts_them(
    padding: int,
    config: type[transformers.PretrainedConfig],
    architecture: type[transformers.PreTrainedModel],
    offset: int | None,
) -> None:
    """`offset`: of the class, where it is not the padding id."""
    model = architecture(
        config(
            vocab_size=9,
            hidden_size=8,
            num_hidden_layers=1,
            num_attention_heads=1,
            intermediate_size=8,
            max_position_embeddings=12,
            pad_token_id=padding,
            type_vocab_size=1,
        )
    ).eval()
    ours = EncoderRuntime(model, masked=True, next_sentence=False)
    expected = 12 - 1 - (padding if offset is None else offset)
    assert ours.context == expected
    piece = Piece(id=5, text="", piece="")
    assert ours.mask_logits([[piece] * expected], [(0, 0)]).isfinite().all()
    with pytest.raises((IndexError, RuntimeError)):
        ours.mask_logits([[piece] * (expected + 1)], [(0, 0)])


def test_the_bundled_model_stores_half_precision_and_runs_in_full() -> None:
    stored = json.loads((STARTER / "starter-en" / "config.json").read_text())["dtype"]
    assert stored == "float16"
    ours = load_masked(files(STARTER / "starter-en", "masked", "next_sentence"), quiet)
    cut = tokenization.load(STARTER / "starter-en")
    assert ours.mask_logits([cut.single("[MASK]")], [(0, 1)]).dtype == torch.float32

"""A mask in a text without spaces: what is around it is cut as the whole text is, so that filling
and scoring speak of the same place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import sentencepiece
import torch
import transformers
from tokenizers import AddedToken, decoders, models, normalizers, pre_tokenizers, processors
from tokenizers import Tokenizer as Pipeline

from engine.messages import MASK, Fill, FillResult, PseudoLikelihood, PseudoLikelihoodResult
from engine.runtime.loaded import LoadedModel
from engine.tasks import masking, pseudo_likelihood
from tests.support import tiny
from tests.support.bundles import load

JAPANESE = "昨日は友達と学校で野球をしました。"
ENGLISH = "The train came late, and they weren't told."
NAMES = {"cls_token": "[CLS]", "sep_token": "[SEP]", "mask_token": "[MASK]", "unk_token": "<unk>"}


def trained() -> bytes:
    return tiny.sentencepiece_model(
        "unigram", unk=0, bos=1, eos=2, control=["[CLS]", "[SEP]", "[MASK]"]
    )


def metaspace(folder: Path, scheme: str, greedy: bool) -> None:
    """A tokenizer.json with these pieces."""
    pieces = sentencepiece.SentencePieceProcessor(model_proto=trained())
    scored = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(len(pieces))]
    pipeline = Pipeline(models.Unigram(scored, 0, False))
    pipeline.normalizer = normalizers.NFKC()
    pipeline.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=scheme)
    pipeline.decoder = decoders.Metaspace(prepend_scheme=scheme)
    frame = [(name, pieces.piece_to_id(name)) for name in ("[CLS]", "[SEP]")]
    pipeline.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=frame
    )
    pipeline.add_special_tokens(["[CLS]", "[SEP]", AddedToken("[MASK]", lstrip=greedy)])
    pipeline.save(str(folder / "tokenizer.json"))


def masked_model(folder: Path, kind: str) -> LoadedModel:
    """A random small model with a tokenizer of this kind."""
    name = "PreTrainedTokenizerFast"
    if kind == "sentencepiece":
        (folder / "spiece.model").write_bytes(trained())
        name = "T5Tokenizer"  # as rinna's RoBERTa
    elif kind == "xlm-roberta":
        file = tiny.sentencepiece_model("unigram", unk=0, bos=1, eos=2)
        (folder / "sentencepiece.bpe.model").write_bytes(file)
        name = "XLMRobertaTokenizer"
    else:
        scheme, _, greedy = kind.partition(" ")
        metaspace(folder, scheme, bool(greedy))
    roles = {} if kind == "xlm-roberta" else NAMES
    config = json.dumps({"tokenizer_class": name, **roles})
    (folder / "tokenizer_config.json").write_text(config)
    torch.manual_seed(0)
    transformers.BertForMaskedLM(
        transformers.BertConfig(
            vocab_size=600,
            hidden_size=32,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=48,
            max_position_embeddings=96,
            initializer_range=0.2,
        )
    ).save_pretrained(folder)
    return load(folder, "masked")


KINDS = ["sentencepiece", "xlm-roberta", "always", "first", "always greedy", "first greedy"]


@pytest.mark.parametrize("text", [JAPANESE, ENGLISH])
@pytest.mark.parametrize("kind", KINDS)
def test_filling_and_scoring_agree_on_every_place(kind: str, text: str, tmp_path: Path) -> None:
    model = masked_model(tmp_path, kind)
    whole = model.tokenizer.single(text)
    request = PseudoLikelihood(model=model.files.id, text=text, methods=["original"])
    judged = next(
        event
        for event in pseudo_likelihood.run(model, request, 0.0)
        if isinstance(event, PseudoLikelihoodResult)
    )
    inner = [piece for piece in whole if piece.start is not None]
    compared = 0
    for place, (piece, token) in enumerate(zip(inner, judged.tokens, strict=True)):
        assert piece.start is not None and piece.end is not None
        word = text[piece.start : piece.end].strip()
        if not piece.text.strip() or piece.id == model.tokenizer.unknown:
            continue
        begin = text.index(word, piece.start)
        if inner[place - 1].text == " " and text[begin - 1] == " ":
            continue  # its space is a piece of the word
        masked = text[:begin] + MASK + text[begin + len(word) :]
        asked = Fill(model=model.files.id, text=masked, words=[word], hidden=[word])
        result = next(
            event for event in masking.run(model, asked, 0.0) if isinstance(event, FillResult)
        )
        (score,) = result.masks[0].words
        assert score.ids == [piece.id]
        assert score.logprob == pytest.approx(token.logprob, abs=1e-4)
        hidden = result.masks[0].hidden
        assert hidden is not None and hidden.prob is not None
        assert hidden.prob == pytest.approx(torch.tensor(token.logprob).exp().item(), abs=1e-5)
        # Where no space goes before it, the fill's own reading is the text with a piece hidden.
        if place and not inner[place - 1].piece.endswith("▁") and begin and text[begin - 1] != " ":
            hiding = [model.tokenizer.mask if own is piece else own.id for own in whole]
            assert [own.id for own in result.tokens] == hiding
        compared += 1
    assert compared > 5


@pytest.mark.parametrize("kind", KINDS)
def test_places_words_and_frames_hold_around_masks(kind: str, tmp_path: Path) -> None:
    tokenizer = masked_model(tmp_path, kind).tokenizer
    text = "東京[MASK]日本 の [MASK]。学校[MASK]"
    pieces = tokenizer.single(text)
    words = tokenizer.words(text)
    assert len(words) == len(pieces)
    masks = [n for n, piece in enumerate(pieces) if piece.id == tokenizer.mask]
    spans = [text[pieces[n].start : pieces[n].end] for n in masks]
    assert [span.strip() for span in spans] == [MASK] * 3
    for n in masks:
        assert words.count(words[n]) == 1
    assert [w for w in words if w is not None] == sorted(w for w in words if w is not None)
    covered = "".join(
        text[piece.start : piece.end]
        for piece in pieces
        if piece.start is not None and piece.text.strip()
    ).replace(" ", "")
    assert covered == text.replace(" ", "")
    pair = tokenizer.pair(text, "の" + MASK + "は")
    first = [piece for piece in pair if piece.start is not None][: len(masks)]
    assert [piece.id for piece in pair[: len(pieces)]] == [piece.id for piece in pieces]
    assert first and sum(piece.id == tokenizer.mask for piece in pair) == 4
    assert pair[-1].start is None and pair[-1].segment == (kind != "xlm-roberta")

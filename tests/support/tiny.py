"""Random small models of every family that the engine serves, saved as real checkpoints are.

Each kind is a folder in transformers layout: config.json, safetensors, tokenizer files. The
weights are random but seeded, and spread enough that two logits are seldom close. A kind builds
in about a second, so tests share one copy a session (the `tiny` fixture in conftest.py).
"""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import sentencepiece
import torch
import transformers
from tokenizers import (
    AddedToken,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)

STARTER = Path(__file__).resolve().parents[2] / "engine" / "starter"

SENTENCES = [
    "I played baseball with my friends at school yesterday.",
    "What is baseball? It is a game of hitting the ball with the bat.",
    "The city was quiet in the morning, and the train came late.",
    "She didn't say why; he'd never asked, and they weren't told.",
    "In 1984 about 3,500 people lived there; now it is 12 times more.",
    "def main():\n    return [x for x in range(10)]\n",
    "羽田空港に到着、東京の街はとても静かでした。",
    "昨日は友達と学校で野球をしました。",
    "Zürich, São Paulo, Đà Nẵng, Ελλάδα, Москва",
    "Emoji 😀 👩‍👩‍👧 🇯🇵 and more.",
]
"""What the small tokenizers are trained on."""

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LLAMA_CHAT = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}[INST] {{ message['content'] | trim }} [/INST]"
    "{% elif message['role'] == 'system' %}<<SYS>>\n{{ message['content'] }}\n<</SYS>>\n\n"
    "{% else %} {{ message['content'] }}{{ eos_token }}{% endif %}{% endfor %}"
)


def build(kind: str, folder: Path) -> Path:
    """Save a random small model of this kind into the folder, which is made, and return it.

    Raises:
        KeyError: there is no such kind (see `KINDS`).
    """
    make = _BUILDERS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    make(folder)
    return folder


def configure(folder: Path, **changes: object) -> None:
    """Say something else in a model's config.json."""
    path = folder / "config.json"
    _write(path, {**json.loads(path.read_text(encoding="utf-8")), **changes})


# ------------------------------------------------------------------------------- causal


def _gpt2(folder: Path) -> None:
    tokenizer = _byte_level(["<|endoftext|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "GPT2Tokenizer",
            "add_prefix_space": False,
            "bos_token": "<|endoftext|>",
            "eos_token": "<|endoftext|>",
            "unk_token": "<|endoftext|>",
        },
    )
    _gpt2_weights(folder, tokenizer.get_vocab_size(), start=0, end=0)


def _gpt2_sentencepiece(folder: Path) -> None:
    for name in ("spiece.model", "tokenizer_config.json"):
        shutil.copy(STARTER / "starter-ja" / name, folder / name)
    _gpt2_weights(folder, 8000, start=1, end=2)


def _gpt2_weights(folder: Path, vocabulary: int, start: int, end: int) -> None:
    config = transformers.GPT2Config(
        vocab_size=vocabulary,
        n_positions=96,
        n_embd=32,
        n_layer=2,
        n_head=4,
        bos_token_id=start,
        eos_token_id=end,
        initializer_range=0.2,
    )
    _save(transformers.GPT2LMHeadModel(config), folder)


def _llama(folder: Path) -> None:
    model = sentencepiece_model("bpe", unk=0, bos=1, eos=2, byte_fallback=True, verbatim=True)
    (folder / "tokenizer.model").write_bytes(model)
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "LlamaTokenizer",
            "add_bos_token": True,
            "add_eos_token": False,
            "legacy": False,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "unk_token": "<unk>",
            "chat_template": LLAMA_CHAT,
        },
    )
    config = transformers.LlamaConfig(
        vocab_size=sentencepiece.SentencePieceProcessor(model_proto=model).vocab_size(),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=1,
        eos_token_id=2,
        tie_word_embeddings=True,
        initializer_range=0.2,
    )
    _save(transformers.LlamaForCausalLM(config), folder)


def _qwen2(folder: Path) -> None:
    # Special tokens come after the vocabulary, as in the real ones, and the template is a file.
    tokenizer = _byte_level([], digits=True)
    tokenizer.normalizer = normalizers.NFC()
    tokenizer.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": None,
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "unk_token": None,
        },
    )
    (folder / "chat_template.jinja").write_text(CHATML, encoding="utf-8")
    size = tokenizer.get_vocab_size()
    config = transformers.Qwen2Config(
        vocab_size=size + 5,  # padded beyond the tokenizer, as the real ones are
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        bos_token_id=None,
        eos_token_id=size - 1,
        tie_word_embeddings=False,
        initializer_range=0.2,
    )
    model = transformers.Qwen2ForCausalLM(config)
    model.generation_config.eos_token_id = [size - 1, size - 3]
    _save(model, folder)


# ------------------------------------------------------------------------------- masked


def _bert(folder: Path) -> None:
    _save(transformers.BertForPreTraining(_bert_config(folder)), folder)


def _bert_mlm(folder: Path) -> None:
    _save(transformers.BertForMaskedLM(_bert_config(folder)), folder)


def _bert_nsp(folder: Path) -> None:
    _save(transformers.BertForNextSentencePrediction(_bert_config(folder)), folder)


def _bert_vocab(folder: Path) -> None:
    """As published in 2018: a vocabulary as a text file and no tokenizer.json."""
    config = _bert_config(folder)
    (folder / "tokenizer.json").unlink()
    _save(transformers.BertForPreTraining(config), folder)


def _bert_config(folder: Path) -> transformers.BertConfig:
    _wordpiece(folder)
    return transformers.BertConfig(
        vocab_size=6000,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )


def _distilbert(folder: Path) -> None:
    _wordpiece(folder)
    config = transformers.DistilBertConfig(
        vocab_size=6000,
        dim=32,
        n_layers=2,
        n_heads=4,
        hidden_dim=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )
    _save(transformers.DistilBertForMaskedLM(config), folder)


def _albert(folder: Path) -> None:
    _save(transformers.AlbertForMaskedLM(_albert_config(folder)), folder)


def _albert_order(folder: Path) -> None:
    _save(transformers.AlbertForPreTraining(_albert_config(folder)), folder)


def _albert_config(folder: Path) -> transformers.AlbertConfig:
    model = sentencepiece_model(
        "unigram", pad=0, unk=1, control=["[CLS]", "[SEP]"], user_defined=["[MASK]"]
    )
    (folder / "spiece.model").write_bytes(model)
    pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
    vocabulary = [(pieces.id_to_piece(i), pieces.get_score(i)) for i in range(len(pieces))]
    tokenizer = transformers.AlbertTokenizer(vocab=vocabulary)
    tokenizer.save_pretrained(folder)
    return transformers.AlbertConfig(
        vocab_size=len(tokenizer),
        embedding_size=16,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=64,
        initializer_range=0.2,
    )


def _roberta(folder: Path) -> None:
    mask = AddedToken("<mask>", lstrip=True, special=True)  # takes the space before it
    tokenizer = _byte_level(["<s>", "<pad>", "</s>", "<unk>", mask])
    tokenizer.save(str(folder / "tokenizer.json"))
    transformers.RobertaTokenizer.from_pretrained(folder).save_pretrained(folder)
    config = transformers.RobertaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=64,
        max_position_embeddings=66,  # positions begin after the padding id: 64 tokens fit
        type_vocab_size=1,
        initializer_range=0.2,
    )
    _save(transformers.RobertaForMaskedLM(config), folder)


def _modernbert(folder: Path) -> None:
    mask = AddedToken("[MASK]", lstrip=True, special=True)
    tokenizer = _byte_level(["[UNK]", "[CLS]", "[SEP]", "[PAD]", mask])
    ids = [(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ids
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "cls_token": "[CLS]",
            "sep_token": "[SEP]",
            "pad_token": "[PAD]",
            "unk_token": "[UNK]",
            "mask_token": "[MASK]",
            "model_input_names": ["input_ids", "attention_mask"],
        },
    )
    config = transformers.ModernBertConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=4,
        max_position_embeddings=64,
        local_attention=16,
        cls_token_id=1,
        sep_token_id=2,
        pad_token_id=3,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.2,
    )
    _save(transformers.ModernBertForMaskedLM(config), folder)


# --------------------------------------------------------------------------- tokenizers


def _byte_level(special: Sequence[str | AddedToken], *, digits: bool = False) -> Tokenizer:
    """A byte-level BPE like GPT-2's: no text is unknown to it. `digits`: each by itself."""
    tokenizer = Tokenizer(models.BPE())
    steps = [pre_tokenizers.Digits(individual_digits=True)] if digits else []
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [*steps, pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        special_tokens=list(special),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(SENTENCES * 3, trainer)
    return tokenizer


def sentencepiece_model(
    model_type: str,
    *,
    unk: int,
    bos: int = -1,
    eos: int = -1,
    pad: int = -1,
    byte_fallback: bool = False,
    verbatim: bool = False,
    control: Sequence[str] = (),
    user_defined: Sequence[str] = (),
    **pieces: Any,
) -> bytes:
    """Train a sentencepiece model in memory; returns its serialised form. -1: no such piece.

    `verbatim`: nothing is normalised, as in Llama's. `pieces` names special ones, `unk_piece` say.
    """
    written = io.BytesIO()
    lines = [line for text in SENTENCES for line in text.splitlines()]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(lines * 3),
        model_writer=written,
        model_type=model_type,
        vocab_size=500,
        hard_vocab_limit=False,
        minloglevel=2,
        unk_id=unk,
        bos_id=bos,
        eos_id=eos,
        pad_id=pad,
        byte_fallback=byte_fallback,
        normalization_rule_name="identity" if verbatim else "nmt_nfkc",
        remove_extra_whitespaces=not verbatim,
        control_symbols=list(control),
        user_defined_symbols=list(user_defined),
        **pieces,
    )
    return written.getvalue()


def _wordpiece(folder: Path) -> None:
    for name in ("vocab.txt", "tokenizer.json", "tokenizer_config.json"):
        shutil.copy(STARTER / "starter-en" / name, folder / name)


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def _save(model: transformers.PreTrainedModel, folder: Path) -> None:
    model.eval().save_pretrained(folder)


_BUILDERS: dict[str, Callable[[Path], None]] = {
    "gpt2": _gpt2,
    "gpt2-sentencepiece": _gpt2_sentencepiece,
    "llama": _llama,
    "qwen2": _qwen2,
    "bert": _bert,
    "bert-mlm": _bert_mlm,
    "bert-nsp": _bert_nsp,
    "bert-vocab": _bert_vocab,
    "albert": _albert,
    "albert-order": _albert_order,
    "distilbert": _distilbert,
    "roberta": _roberta,
    "modernbert": _modernbert,
}
KINDS = tuple(_BUILDERS)

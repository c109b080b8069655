"""Ids and texts equal those of sentencepiece and of transformers, on any string."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from engine import tokenization
from tests.conftest import Tiny

STARTER = Path(tokenization.__file__).resolve().parent.parent / "starter"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "models"
RINNA = SHARED / "rinna-japanese-gpt2-xsmall-tokenizer"
LLAMA = SHARED / "stories260k-llama"

LIBRARY = ["gpt2", "qwen2", "bert", "bert-vocab", "albert", "roberta", "modernbert", "distilbert"]
SENTENCEPIECE = ["starter-ja", "rinna", "stories260k", "gpt2-sentencepiece", "llama"]

WORDS = st.sampled_from(
    [
        *("[MASK]", "[CLS]", "[UNK]", "<s>", "</s>", "<mask>", "<unk>", "<0xE3>", "##", "##ing"),
        *("<|endoftext|>", "<|im_start|>", "Hello", "HELLO", "İstanbul", "ΣΑΣ", "ß", "a", "b"),
        *("㌔", "ｶﾞ", "\u00e9", "e\u0301", "羽田", "空港", "東京", "𠮷", "😀", "👩‍👩‍👧", "🇯🇵"),
        *("\u200b", "\u200d", "\ufeff", "\x00", "\x1b[31m", "\t", "\n", "\r\n", "▁", "Ġ"),
        *("''", "``", "'", "'s", "don't", "1984", "3,500", "\u3000", "\xa0", "\u202e", "\ufffd"),
    ]
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.lists(st.one_of(WORDS, st.text(max_size=4), st.just(" ")), max_size=12).map("".join),
)


AWKWARD = (
    *("", " ", "[MASK]", "  a  [MASK]  b ", "ABCxyz Hello WORLD", "\x00\x1b\n\t"),
    "羽田空港に到着、東京の街は",
)
"""Always among the texts that are tried."""


def any_text(check: Callable[[str], None]) -> Callable[[], None]:
    """Run a check on many texts."""
    for text in AWKWARD:
        check = example(text)(check)
    run: Callable[[], None] = settings(max_examples=150, deadline=None)(given(TEXTS)(check))
    return run


def sentencepiece_folder(name: str, tiny: Tiny) -> Path:
    folder = {"starter-ja": STARTER / name, "rinna": RINNA, "stories260k": LLAMA}.get(name)
    if folder is None:
        return tiny(name)
    if not folder.exists():
        pytest.skip(f"{folder} is not on this machine")
    return folder


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_sentencepiece_models_are_cut_as_sentencepiece_cuts_them(name: str, tiny: Tiny) -> None:
    folder = sentencepiece_folder(name, tiny)
    ours = tokenization.load(folder)
    model = next(folder.glob("*.model"))
    reference = SentencePieceProcessor(model_file=str(model))
    lower = name == "rinna"  # the only one configured like this

    @any_text
    def check(text: str) -> None:
        expected = reference.encode(text.lower() if lower else text)
        pieces = ours.encode(text)
        assert [p.id for p in pieces] == expected
        last = 0
        for piece in pieces:
            assert piece.start is not None and piece.end is not None
            assert 0 <= piece.start <= piece.end <= len(text)
            assert piece.end >= last
            last = piece.end
        known = [i for i in expected if i != reference.unk_id()]
        assert ours.decode(known) == reference.decode(known)

    check()


@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_any_ids_of_a_sentencepiece_model_read_as_there(name: str, tiny: Tiny) -> None:
    folder = sentencepiece_folder(name, tiny)
    ours = tokenization.load(folder)
    reference = SentencePieceProcessor(model_file=str(next(folder.glob("*.model"))))
    plain = [
        i
        for i in range(len(reference))
        if not (reference.is_control(i) or reference.is_unknown(i) or ours.token(i).special)
    ]
    bytes_ = [i for i in plain if reference.is_byte(i)] or plain

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.one_of(st.sampled_from(plain), st.sampled_from(bytes_)), max_size=20))
    def check(ids: list[int]) -> None:
        assert ours.decode(ids) == reference.decode(ids)

    check()


def library_folder(kind: str, tiny: Tiny, own: Path) -> Path:
    """A model's folder; some are other ways to write down one of the tiny ones."""
    if kind == "llama-json":
        pytest.importorskip("google.protobuf", reason="transformers reads tokenizer.model by it")
        transformers.AutoTokenizer.from_pretrained(tiny("llama")).save_pretrained(own)
        shutil.copy(tiny("llama") / "config.json", own)
        return own
    if kind == "gpt2-merges":
        model = json.loads((tiny("gpt2") / "tokenizer.json").read_text())["model"]
        (own / "vocab.json").write_text(json.dumps(model["vocab"]))
        lines = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
        (own / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
        for name in ("config.json", "tokenizer_config.json"):
            shutil.copy(tiny("gpt2") / name, own)
        return own
    if kind == "bert-cased":
        shutil.copytree(tiny("bert-vocab"), own, dirs_exist_ok=True)
        (own / "tokenizer_config.json").write_text(
            json.dumps({"do_lower_case": False, "tokenize_chinese_chars": False})
        )
        return own
    folder = {"starter-en": STARTER / kind, "bert-uncased-vocab": SHARED / kind}.get(kind)
    folder = tiny(kind) if folder is None else folder
    if not folder.exists():
        pytest.skip(f"{folder} is not on this machine")
    return folder


@pytest.mark.parametrize(
    "kind",
    [
        *LIBRARY,
        *("starter-en", "bert-uncased-vocab", "bert-cased", "gpt2-merges", "llama-json"),
    ],
)
def test_other_models_are_cut_as_transformers_cuts_them(
    kind: str, tiny: Tiny, tmp_path: Path
) -> None:
    folder = library_folder(kind, tiny, tmp_path)
    ours = tokenization.load(folder)
    reference = transformers.AutoTokenizer.from_pretrained(folder)

    @any_text
    def check(text: str) -> None:
        plain = reference(text, add_special_tokens=False, return_offsets_mapping=True)
        pieces = ours.encode(text)
        assert [p.id for p in pieces] == plain["input_ids"]
        assert [(p.start, p.end) for p in pieces] == plain["offset_mapping"]
        touched = kind == "albert" and re.search(r"\[MASK\](?! |$)", text)
        if touched or re.fullmatch(r"(?s)\s*(<s>.*</s>|\[CLS\].*\[SEP\])\s*", text):
            pass  # no space is put after a mask, and a frame that was pasted is the frame
        elif reference.mask_token is not None:
            written = text.replace("[MASK]", reference.mask_token)
            assert [p.id for p in ours.single(text)] == reference(written)["input_ids"]
            other = written or "x"  # transformers takes an empty second text for none
            both = reference(written, other, return_token_type_ids=True)
            assert [p.id for p in ours.pair(text, text or "x")] == both["input_ids"]
            if kind.startswith(("bert", "starter")):
                segments = [p.segment for p in ours.pair(text, text or "x")]
                assert segments == both["token_type_ids"]
        else:
            assert [p.id for p in ours.prompt(text)] == reference(text)["input_ids"]
        ids = plain["input_ids"]
        backend = reference.backend_tokenizer
        assert ours.decode(ids) == backend.decode(ids, skip_special_tokens=False)

    check()
    assert ours.mask == reference.mask_token_id
    assert ours.unknown in (None, reference.unk_token_id)
    assert ours.vocabulary == len(reference)


@pytest.mark.parametrize("kind", LIBRARY)
def test_any_ids_read_as_the_library_reads_them(kind: str, tiny: Tiny) -> None:
    ours = tokenization.load(tiny(kind))
    backend = transformers.AutoTokenizer.from_pretrained(tiny(kind)).backend_tokenizer

    @settings(max_examples=200, deadline=None)
    @given(st.lists(st.integers(0, ours.vocabulary - 1), max_size=20))
    def check(ids: list[int]) -> None:
        whole = backend.decode(ids, skip_special_tokens=False)
        assert ours.decode(ids) == whole
        cut = len(ids) // 2
        stream = ours.stream()
        parts = [stream.push(i) for i in ids]
        assert "".join(parts) + stream.flush() == whole
        later = ours.stream(ids[:cut])
        rest = "".join(later.push(i) for i in ids[cut:]) + later.flush()
        assert whole.endswith(rest)

    check()

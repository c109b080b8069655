"""Folders without a tokenizer.json are read by the rules of their class, or refused in words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.models.auto import tokenization_auto

from engine import tokenization
from engine.errors import EngineError
from engine.messages import Error
from engine.tokenization import classes, pieces
from tests.support import tiny
from tui.strings import worded

WORDS = st.sampled_from(
    [
        *("[MASK]", "<mask>", "<s>", "</s>", "<unk>", "[CLS]", "[SEP]", "en_XX", "☃", "☃☃"),
        *(
            "baseball",
            "School",
            "ZÜRICH",
            "cafe\u0301",
            "㌔",
            "ｶﾞ",
            "東京",
            "羽田空港に",
            "が",
            "゛",
        ),
        *("  ", " ", "\n", "\t", "\u3000", "\xa0", "``x''", "3,500", "don't", "-", "▁", "。", "!"),
        *("が", "゛", "\u200b", "\x00", "\u0301", "￣", "…", "İ"),
    ]
)
TEXTS = st.lists(
    st.one_of(WORDS, st.text("abcdeghopsty 東京はのです", max_size=4)), max_size=9
).map("".join)
PLAIN = ["I played baseball at school.", "東京は日本の首都です。", "a  b\n c", "", " "]

FAIRSEQ: dict[str, object] = {"unk": 0, "bos": 1, "eos": 2}
BRACKETS: dict[str, object] = {
    "pad": 0,
    "unk": 1,
    "control": ["[CLS]", "[SEP]"],
    "user_defined": ["[MASK]"],
}
SENTENCEPIECE: dict[str, tuple[str, dict[str, object]]] = {
    "XLMRobertaTokenizer": ("sentencepiece.bpe.model", FAIRSEQ),
    "CamembertTokenizer": ("sentencepiece.bpe.model", FAIRSEQ),
    "MBartTokenizer": ("sentencepiece.bpe.model", FAIRSEQ),
    "MBart50Tokenizer": ("sentencepiece.bpe.model", FAIRSEQ),
    "AlbertTokenizer": ("spiece.model", BRACKETS),
    "BigBirdTokenizer": ("spiece.model", {"unk": 0, "bos": 1, "eos": 2, "control": ["[SEP]"]}),
    "DebertaV2Tokenizer": ("spm.model", {"pad": 0, "bos": 1, "eos": 2, "unk": 3}),
}


def folder(where: Path, name: str, **config: object) -> Path:
    """A folder of this class with nothing but a sentencepiece file."""
    file, options = SENTENCEPIECE[name]
    names = {"unk_piece": "[UNK]", "pad_piece": "[PAD]", "bos_piece": "[CLS]", "eos_piece": "[SEP]"}
    more = names if name == "DebertaV2Tokenizer" else {}
    (where / file).write_bytes(tiny.sentencepiece_model("unigram", **options, **more))  # type: ignore[arg-type]
    write(where / "tokenizer_config.json", {"tokenizer_class": name, **config})
    return where


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content), encoding="utf-8")


def refusal(where: Path) -> Error:
    with pytest.raises(EngineError) as refused:
        tokenization.load(where)
    return refused.value.event


def equal(where: Path, reference: transformers.PreTrainedTokenizerBase) -> None:
    """Texts have the ids that the reference gives them, alone and in pairs."""
    ours = tokenization.load(where)

    def check(text: str) -> None:
        plain = reference(text, add_special_tokens=False)["input_ids"]
        assert [p.id for p in ours.encode(text)] == plain, text
        pasted = text.strip().startswith(("<s>", "[CLS]")) and text.strip().endswith(
            ("</s>", "[SEP]")
        )
        if "[MASK]" not in text and (reference.mask_token or "~") not in text and not pasted:
            assert [p.id for p in ours.single(text)] == reference(text)["input_ids"], text
            pair = reference(text, text or "x")["input_ids"]
            assert [p.id for p in ours.pair(text, text or "x")] == pair, text

    for text in PLAIN:
        check(text)
    settings(max_examples=60, deadline=None)(given(TEXTS)(check))()
    assert ours.mask == reference.mask_token_id
    assert ours.vocabulary == len(reference)


@pytest.mark.parametrize("config", [{}, {"do_lower_case": False, "keep_accents": True}])
@pytest.mark.parametrize("name", SENTENCEPIECE)
def test_a_sentencepiece_file_alone_is_read_as_its_class_reads_it(
    name: str, config: dict[str, object], tmp_path: Path
) -> None:
    pytest.importorskip("google.protobuf", reason="transformers reads such files by it")
    where = folder(tmp_path, name, **config)
    equal(where, getattr(transformers, name).from_pretrained(where))


def test_xglm_numbers_its_pieces_as_fairseq_did(tmp_path: Path) -> None:
    # transformers' own class no longer looks for the file, so it is given what is in it.
    file = tmp_path / "sentencepiece.bpe.model"
    file.write_bytes(tiny.sentencepiece_model("unigram", unk=0, bos=1, eos=2))
    write(tmp_path / "config.json", {"model_type": "xglm"})
    found = pieces.read(file)
    first = [(piece, 0.0) for piece in ("<s>", "<pad>", "</s>", "<unk>")]
    last = [(f"<madeupword{number}>", 0.0) for number in range(7)]
    equal(
        tmp_path,
        transformers.XGLMTokenizer(
            vocab=[*first, *found.scored[3:], *last], _spm_precompiled_charsmap=found.charsmap
        ),
    )


def test_every_class_that_may_come_with_a_sentencepiece_file_is_decided_on() -> None:
    own = {"BertJapaneseTokenizer"}  # refused by the words that it cuts with
    kept = {"BertGenerationTokenizer", "CodeLlamaTokenizer", "LlamaTokenizer", "T5Tokenizer"}
    backends = {"MistralCommonBackend", "TokenizersBackend", "PythonBackend"}
    for name in set(tokenization_auto.TOKENIZER_MAPPING_NAMES.values()) - backends - {None}:
        cls = tokenization_auto.tokenizer_class_from_name(name)
        files = getattr(cls, "vocab_files_names", {}).values()
        if any(file.endswith((".model", ".spm")) for file in files):
            decided = classes.UNIGRAM | classes.OWN_SENTENCEPIECE | kept | own
            assert cls.__name__ in decided, name


@pytest.mark.parametrize("name", sorted(classes.OWN_SENTENCEPIECE))
def test_a_class_that_numbers_pieces_in_another_way_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes(tiny.sentencepiece_model("unigram", **FAIRSEQ))  # type: ignore[arg-type]
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": name})
    error = refusal(tmp_path)
    assert error.kind == "broken_model"
    assert name in worded(error.message)


def test_a_file_of_another_kind_than_its_class_reads_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "sentencepiece.bpe.model"
    file.write_bytes(tiny.sentencepiece_model("bpe", unk=0, bos=1, eos=2))
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": "XLMRobertaTokenizer"})
    assert "unigram" in worded(refusal(tmp_path).message)
    for broken in (b"", b"\x0a", b"not a model", file.read_bytes()[:100]):
        file.write_bytes(broken)
        assert "sentencepiece.bpe.model" in worded(refusal(tmp_path).message)


JAPANESE = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] 。 、 . , ! は が の を に で し た て る す い こ れ "
    "私 東 京 日 本 首 都 テ ス ト 東京 日本 ##は ##が ##の ##を ##に ##で ##す ##し ##た "
    "##か ##東 ##京 ##日 ##本 hello world caf cafe ##s a b ##ba ##ll ゛ … キ ロ ㌔ ガ カ \u3099"
)
LATIN = (
    "[PAD] [UNK] [CLS] [SEP] [MASK] <s> <pad> </s> <mask> <unk> . , ! ' - a b c i play ##ed at "
    "base ##ball cafe zurich 東 京 school ##s x"
)


def words(where: Path, vocabulary: str) -> dict[str, int]:
    """Write a vocabulary, a word a line; return the number of each."""
    listed = vocabulary.split(" ")
    (where / "vocab.txt").write_text("\n".join(listed) + "\n", encoding="utf-8")
    return {word: number for number, word in enumerate(listed)}


@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("subwords", ["wordpiece", "character", None])
def test_a_japanese_bert_with_basic_words_is_cut_as_its_class_cuts(
    subwords: str | None, lower: bool, tmp_path: Path
) -> None:
    words(tmp_path, JAPANESE)
    options: dict[str, object] = {"do_lower_case": lower}
    if subwords is not None:
        options |= {"subword_tokenizer_type": subwords, "word_tokenizer_type": "basic"}
    write(
        tmp_path / "tokenizer_config.json", {"tokenizer_class": "BertJapaneseTokenizer"} | options
    )
    equal(tmp_path, transformers.BertJapaneseTokenizer(str(tmp_path / "vocab.txt"), **options))


@pytest.mark.parametrize(
    "options",
    [
        *({"word_tokenizer_type": name} for name in ("mecab", "sudachi", "jumanpp")),
        {"subword_tokenizer_type": "sentencepiece"},
        *({"do_word_tokenize": False}, {"do_subword_tokenize": False}, {"never_split": ["x"]}),
    ],
)
def test_what_a_japanese_bert_may_cut_with_and_is_not_here_is_refused(
    options: dict[str, object], tmp_path: Path
) -> None:
    words(tmp_path, JAPANESE)
    (tmp_path / "tokenizer.json").write_text("{}")  # its class reads none
    write(tmp_path / "config.json", {"model_type": "bert-japanese"})
    write(tmp_path / "tokenizer_config.json", options)
    message = worded(refusal(tmp_path).message)
    assert "not supported" in message
    if "word_tokenizer_type" in options:
        assert str(options["word_tokenizer_type"]) in message


@pytest.mark.parametrize(
    "kind", [kind for kind, name in classes.BY_MODEL.items() if name == "BertTokenizer"]
)
def test_a_vocabulary_without_a_named_class_is_read_by_that_of_its_model(
    kind: str, tmp_path: Path
) -> None:
    write(tmp_path / "config.json", {"model_type": kind})
    reference = transformers.BertTokenizer(vocab=words(tmp_path, LATIN))
    ours = tokenization.load(tmp_path)
    for text in ("I played baseball at CAFÉ.", "東京 unknown!"):
        assert [p.id for p in ours.single(text)] == reference(text)["input_ids"]


@pytest.mark.parametrize("name", ["BertTokenizer", "MPNetTokenizer", "ConvBertTokenizer"])
def test_a_vocabulary_is_read_as_its_class_reads_it(name: str, tmp_path: Path) -> None:
    words(tmp_path, LATIN)
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": name})
    equal(tmp_path, getattr(transformers, name).from_pretrained(tmp_path))


@pytest.mark.parametrize(
    "name",
    [
        *("FunnelTokenizer", "SplinterTokenizer", "EsmTokenizer", "CpmAntTokenizer"),
        *("RoFormerTokenizer", "RoCBertTokenizer", "TapasTokenizer", "BertweetTokenizer"),
        *("PhobertTokenizer", "GPTNeoXJapaneseTokenizer", "LayoutLMv2Tokenizer"),
        *("DebertaTokenizer", "GPTNeoXTokenizer", "CTRLTokenizer", "XLMTokenizer"),
    ],
)
def test_a_vocabulary_whose_class_has_no_rules_here_is_refused(name: str, tmp_path: Path) -> None:
    assert hasattr(transformers, name)
    words(tmp_path, LATIN)
    (tmp_path / "vocab.json").write_text('{"a": 0}')
    (tmp_path / "merges.txt").write_text("")
    write(tmp_path / "tokenizer_config.json", {"tokenizer_class": name})
    error = refusal(tmp_path)
    assert name in worded(error.message) and error.kind == "broken_model"


def test_the_tables_are_those_of_transformers() -> None:
    mapping = tokenization_auto.TOKENIZER_MAPPING_NAMES
    for kind, name in classes.BY_MODEL.items():
        if kind in mapping and kind not in classes.AS_WRITTEN:
            theirs = (mapping[kind] or "").removesuffix("Fast")
            assert classes.SAME.get(theirs, theirs) == name, kind
    unnamed = {None, "TokenizersBackend", "MistralCommonBackend"}
    assert {mapping[kind] for kind in classes.AS_WRITTEN if kind in mapping} <= unnamed
    for kind in classes.CORRECTED:
        assert kind in tokenization_auto.MODELS_WITH_INCORRECT_HUB_TOKENIZER_CLASS
        assert mapping[kind] == classes.CORRECTED[kind]
    for name in classes.SAME:
        cls = tokenization_auto.tokenizer_class_from_name(name)
        if cls is not None:
            known = {base.__name__ for base in cls.__mro__}
            assert classes.SAME[name] in known, name


def test_every_kind_of_language_model_is_in_the_tables() -> None:
    auto = transformers.models.auto.modeling_auto
    served = {
        *auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        *auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    }
    mapping = tokenization_auto.TOKENIZER_MAPPING_NAMES
    known = {*classes.BY_MODEL, *classes.CORRECTED, *classes.AS_WRITTEN}
    pictures_or_sound = {
        *("beam", "dots3_note", "emu3", "git", "got_ocr2", "moss_transcribe_diarize"),
        *("musicgen", "musicgen_melody", "perceiver", "qwen4_exp", "whisper"),
    }
    assert served & mapping.keys() - known <= pictures_or_sound

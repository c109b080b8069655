"""Places in the user's text, frames, masks, streams, chats, roles: what a tokenizer promises."""

from __future__ import annotations

import gc
import json
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path

import psutil
import pytest
import transformers
from hypothesis import given, settings
from hypothesis import strategies as st
from sentencepiece import SentencePieceProcessor

from engine import tokenization
from engine.errors import EngineError
from engine.interfaces import Tokenizer
from engine.messages import Piece, Turn
from tests.conftest import Tiny
from tests.support import tiny as families
from tests.support.bundles import SHARED, STARTER
from tui.strings import worded

RINNA = SHARED / "rinna-japanese-gpt2-xsmall-tokenizer"
TURNS = [Turn("system", "Be brief."), Turn("user", "Hello <b>é</b>"), Turn("assistant", "Hi!")]


def spans(pieces: list[Piece], text: str) -> list[str]:
    return [text[p.start : p.end] for p in pieces if p.start is not None]


@pytest.fixture
def japanese() -> Tokenizer:
    return tokenization.load(STARTER / "starter-ja")


@pytest.fixture
def english() -> Tokenizer:
    return tokenization.load(STARTER / "starter-en")


def test_cutting_and_reading_need_neither_torch_nor_transformers(tiny: Tiny) -> None:
    folders = [str(tiny(kind)) for kind in families.KINDS]
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from engine import tokenization\n"
        "from engine.messages import Turn\n"
        "for folder in sys.argv[1:]:\n"
        "    t = tokenization.load(Path(folder))\n"
        "    t.decode([p.id for p in t.fed('東京 [MASK] a')])\n"
        "    t.chat([Turn('user', 'a')])\n"
        "print(sorted({'torch', 'transformers', 'google.protobuf'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *folders], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


# --------------------------------------------------------------------------- positions


def test_places_are_code_points_of_the_users_text_under_normalisation(japanese: Tokenizer) -> None:
    text = "㌔は😀ｶﾞ１２"
    pieces = japanese.encode(text)
    assert [p.piece for p in pieces if p.start == 0 and p.end == 1] == ["キロ"]
    assert "ｶﾞ" in spans(pieces, text)
    assert "".join(spans(pieces, text)) == text


def test_places_survive_lower_case_that_grows() -> None:
    if not RINNA.exists():
        pytest.skip(f"{RINNA} is not on this machine")
    rinna = tokenization.load(RINNA)
    text = "İİx東京ABC"
    pieces = rinna.encode(text)
    assert [p.id for p in pieces] == [p.id for p in rinna.encode(text.lower())]
    last = pieces[-1]
    assert last.end == len(text)
    city = next(p for p in pieces if p.text == "東京")
    assert text[city.start : city.end] == "東京"
    letters = [p for p in pieces if p.end is not None and p.end <= 2 and p.start != p.end]
    assert letters and all(p.end in (1, 2) for p in letters)


def test_capitals_of_rinnas_model_are_read_in_lower_case() -> None:
    if not RINNA.exists():
        pytest.skip(f"{RINNA} is not on this machine")
    rinna = tokenization.load(RINNA)
    capitals = rinna.encode("GPT")
    assert rinna.unknown == 0
    assert rinna.unknown not in [p.id for p in capitals]
    assert rinna.ends == {2} and rinna.start == 1


def test_all_bytes_of_a_character_are_placed_where_it_is(tiny: Tiny) -> None:
    llama = tokenization.load(tiny("llama"))
    text = "a🦀鬱b"
    places = [(p.start, p.end) for p in llama.encode(text) if p.piece.startswith("<0x")]
    assert places == [(1, 2)] * 4 + [(2, 3)] * 3


def test_masks_are_written_one_way_for_every_model(tiny: Tiny) -> None:
    text = "😀 a [MASK] b[MASK]"
    for kind in ("bert", "bert-vocab", "albert", "distilbert", "roberta", "modernbert"):
        tokenizer = tokenization.load(tiny(kind))
        pieces = tokenizer.single(text)
        masks = [p for p in pieces if p.id == tokenizer.mask]
        assert [m.end for m in masks] == [10, len(text)]
        assert [text[m.start : m.end].strip() for m in masks] == ["[MASK]", "[MASK]"]
        assert all(m.special for m in masks)
        letter = next(p for p in pieces if p.text.strip() == "b")
        assert text[letter.start : letter.end].strip() == "b"


def test_what_corresponds_to_nothing_in_the_text_has_no_place(english: Tokenizer) -> None:
    pieces = english.pair("a", "b c")
    assert [p.piece for p in pieces] == ["[CLS]", "a", "[SEP]", "b", "c", "[SEP]"]
    assert [(p.start, p.end) for p in pieces] == [
        (None, None),
        (0, 1),
        (None, None),
        (0, 1),
        (2, 3),
        (None, None),
    ]
    assert [p.segment for p in pieces] == [0, 0, 0, 1, 1, 1]
    assert [p.special for p in pieces] == [True, False, True, False, False, True]


def test_half_a_surrogate_pair_is_refused(english: Tokenizer, japanese: Tokenizer) -> None:
    for tokenizer in (english, japanese):
        for cut in (tokenizer.encode, tokenizer.single, tokenizer.prompt, tokenizer.after):
            with pytest.raises(EngineError) as refusal:
                cut("ab\ud83d")
            assert refusal.value.event.kind == "bad_request"
            assert "3" in worded(refusal.value.event.message)


# ------------------------------------------------------------------------ frames, roles


@pytest.mark.parametrize(
    ("kind", "added"),
    [("gpt2", []), ("gpt2-sentencepiece", []), ("llama", ["<s>"]), ("qwen2", [])],
)
def test_a_prompt_gets_a_start_token_only_where_asked(
    kind: str, added: list[str], tiny: Tiny
) -> None:
    tokenizer = tokenization.load(tiny(kind))
    for text in ("", "Hello 東京"):
        pieces = tokenizer.prompt(text)
        assert [p.piece for p in pieces[: len(added)]] == added
        assert pieces[len(added) :] == tokenizer.encode(text)
        assert tokenizer.fed(text) == pieces


def test_a_pipeline_that_frames_prompts_loses_only_its_end_token(
    tiny: Tiny, tmp_path: Path
) -> None:
    written = json.loads((tiny("qwen2") / "tokenizer.json").read_text())
    start = next(t["id"] for t in written["added_tokens"] if t["content"] == "<|im_start|>")
    end = next(t["id"] for t in written["added_tokens"] if t["content"] == "<|im_end|>")
    written["post_processor"] = {
        "type": "TemplateProcessing",
        "single": [
            {"SpecialToken": {"id": "<|im_start|>", "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": "<|im_end|>", "type_id": 0}},
        ],
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
        "special_tokens": {
            name: {"id": name, "ids": [number], "tokens": [name]}
            for name, number in (("<|im_start|>", start), ("<|im_end|>", end))
        },
    }
    (tmp_path / "tokenizer.json").write_text(json.dumps(written))
    shutil.copy(tiny("qwen2") / "config.json", tmp_path)
    tokenizer = tokenization.load(tmp_path)
    assert [p.id for p in tokenizer.prompt("")] == [start]
    assert [p.id for p in tokenizer.prompt("a")] == [start, *(p.id for p in tokenizer.encode("a"))]


def test_ends_are_those_that_generate_obeys(tiny: Tiny, tmp_path: Path) -> None:
    qwen = tokenization.load(tiny("qwen2"))
    assert qwen.ends == {qwen.find("<|im_end|>"), qwen.find("<|endoftext|>")}
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json"):
        shutil.copy(tiny("qwen2") / name, tmp_path)
    assert tokenization.load(tmp_path).ends == {qwen.find("<|im_end|>")}
    assert tokenization.load(STARTER / "starter-ja").ends == {2}
    assert tokenization.load(STARTER / "starter-en").ends == frozenset()


def test_a_start_token_may_come_from_the_models_configuration(tiny: Tiny, tmp_path: Path) -> None:
    shutil.copytree(tiny("qwen2"), tmp_path, dirs_exist_ok=True)
    assert tokenization.load(tmp_path).start is None
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "generation_config.json").unlink()
    known = tokenization.load(tmp_path).find("<|endoftext|>")
    (tmp_path / "config.json").write_text(json.dumps(config | {"bos_token_id": known}))
    assert tokenization.load(tmp_path).start == known
    (tmp_path / "config.json").write_text(json.dumps(config | {"bos_token_id": 99_999}))
    assert tokenization.load(tmp_path).start is None


def test_a_mistaken_t5_pipeline_gives_way_to_the_sentencepiece_model(tmp_path: Path) -> None:
    shutil.copytree(STARTER / "starter-ja", tmp_path, dirs_exist_ok=True)
    (tmp_path / "tokenizer.json").write_text("{}")
    tokenizer = tokenization.load(tmp_path)
    assert tokenizer.unknown == 0
    assert tokenizer.encode("東京") == tokenization.load(STARTER / "starter-ja").encode("東京")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("tokenizer.json", "{"),
        ("tokenizer.json", "{}"),
        ("tokenizer_config.json", "[]"),
        (
            "tokenizer_config.json",
            '{"tokenizer_class": "BertJapaneseTokenizer", "word_tokenizer_type": "mecab"}',
        ),
        ("chat_template.jinja", "{% for %}"),
        ("vocab.txt", None),
    ],
)
def test_broken_files_are_named(name: str, content: str | None, tmp_path: Path) -> None:
    shutil.copytree(STARTER / "starter-en", tmp_path, dirs_exist_ok=True)
    if content is None:
        (tmp_path / "tokenizer.json").unlink()
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(content)
    with pytest.raises(EngineError) as refusal:
        tokenization.load(tmp_path).chat([Turn("user", "a")])
    assert refusal.value.event.kind == "broken_model"
    assert tmp_path.name in worded(refusal.value.event.message)


def test_a_file_that_is_no_sentencepiece_model_is_named(tmp_path: Path) -> None:
    (tmp_path / "spiece.model").write_bytes(b"not a model")
    with pytest.raises(EngineError) as refusal:
        tokenization.load(tmp_path)
    assert "spiece.model" in worded(refusal.value.event.message)


def vocabulary(folder: Path, content: bytes) -> Path:
    """A folder of BERT's class with nothing but this vocab.txt."""
    (folder / "vocab.txt").write_bytes(content)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    return folder


ODD = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "\u2028",
    "\u0085",
    "\x0c",
    "\u00a0",
    "dog",
    "##s",
]


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_line_of_a_vocabulary_ends_only_where_a_line_ends(
    mark: str, end: str, last: bool, tmp_path: Path
) -> None:
    content = (mark + end.join(ODD) + end * last).encode()
    tokenizer = tokenization.load(vocabulary(tmp_path, content))
    assert tokenizer.vocabulary == len(ODD)
    assert [tokenizer.find(word) for word in ODD] == list(range(len(ODD)))
    assert [piece.id for piece in tokenizer.single("dogs")] == [2, 9, 10, 3]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_line_of_merges_ends_only_where_a_line_ends(end: str, tiny: Tiny, tmp_path: Path) -> None:
    model = json.loads((tiny("gpt2") / "tokenizer.json").read_text())["model"]
    (tmp_path / "vocab.json").write_bytes(("\ufeff" + json.dumps(model["vocab"])).encode())
    lines = ["#version: 0.2", *(" ".join(pair) for pair in model["merges"])]
    (tmp_path / "merges.txt").write_bytes(end.join(lines).encode())
    for name in ("config.json", "tokenizer_config.json"):
        shutil.copy(tiny("gpt2") / name, tmp_path)
    text = "I played baseball, 東京\u2028!"
    ours, theirs = tokenization.load(tmp_path), tokenization.load(tiny("gpt2"))
    assert ours.encode(text) == theirs.encode(text)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "[UNK]"),
        (b"[PAD]\n[CLS]\n[SEP]\n[MASK]\ndog\n", "[UNK]"),
        ("[UNK]\n[CLS]\n[SEP]\ncaf\u00e9\n".encode("latin-1"), "UTF-8"),
    ],
)
def test_a_vocabulary_that_would_fail_later_is_refused_at_once(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineError) as refusal:
        tokenization.load(vocabulary(tmp_path, content))
    assert refusal.value.event.kind == "broken_model"
    assert reason in worded(refusal.value.event.message)


BPE = {"type": "BPE", "vocab": {"a": 0}, "merges": []}
TEMPLATE = {
    "type": "TemplateProcessing",
    "single": [
        {"SpecialToken": {"id": "x", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
    ],
    "pair": [],
    "special_tokens": {},
}


@pytest.mark.parametrize(
    "written",
    [
        {"model": {**BPE, "vocab": {}}},
        {"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "?"}},
        {"model": {"type": "Unigram", "vocab": [["a", 0.0]]}},
        {"model": {"type": "Unigram", "vocab": [], "unk_id": 0}},
        {"model": {**BPE, "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": [["a", "b"]],
                   "continuing_subword_prefix": "######"}},  # panics
        {"model": {**BPE, "vocab": {"a": 0, "éb": 1, "ab": 2}, "merges": [["a", "éb"]],
                   "continuing_subword_prefix": "x"}},  # would end the process
        {"model": BPE, "post_processor": TEMPLATE},  # panics
        {"model": BPE, "pre_tokenizer": {"type": "FixedLength", "length": 0}},  # panics
    ],
)  # fmt: skip
def test_a_tokenizer_that_the_library_cannot_run_is_refused(
    written: dict[str, object], tmp_path: Path
) -> None:
    (tmp_path / "tokenizer.json").write_text(json.dumps(written))
    with pytest.raises(EngineError) as refusal:
        tokenization.load(tmp_path)
    assert refusal.value.event.kind == "broken_model"
    assert "Exception" not in worded(refusal.value.event.message)


def test_a_panic_over_one_text_is_an_error_of_that_text(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer = tokenization.load(tiny("bert"))

    class PanicException(BaseException):  # as pyo3 names its own, which cannot be imported
        pass

    class Panicking:
        def encode(self, *_: object, **__: object) -> None:
            raise PanicException("index out of bounds")

    monkeypatch.setattr(tokenizer, "_backend", Panicking())
    for cut in (tokenizer.encode, tokenizer.single):
        with pytest.raises(EngineError):
            cut("a")


def test_a_frame_that_a_text_was_pasted_with_is_its_frame(
    tiny: Tiny, tmp_path: Path, english: Tokenizer
) -> None:
    shutil.copy(tiny("albert") / "spiece.model", tmp_path)
    names = {f"{role}_token": f"[{role.upper()}]" for role in ("cls", "sep", "mask")}
    (tmp_path / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "T5Tokenizer", **names})
    )
    for tokenizer in (english, tokenization.load(tmp_path), tokenization.load(tiny("albert"))):
        plain = tokenizer.single("the [MASK] dog")
        for text in ("[CLS] the [MASK] dog [SEP]", "[CLS]the [MASK] dog[SEP]\n"):
            framed = tokenizer.single(text)
            assert [p.id for p in framed] == [p.id for p in plain]
            (mask,) = (p for p in framed if p.id == tokenizer.mask)
            assert text[mask.start : mask.end].strip() == "[MASK]"
            pair = tokenizer.pair(text, text)
            assert pair[: len(framed)] == framed
        assert len(tokenizer.single("[CLS]")) == 3 or tokenizer is not english
    roberta = tokenization.load(tiny("roberta"))
    assert [p.id for p in roberta.single("<s>the dog</s>")] == [
        p.id for p in roberta.single("the dog")
    ]


# ----------------------------------------------------------------------- streams, joins


@pytest.mark.parametrize("kind", families.KINDS)
def test_a_stream_gives_whole_characters_and_in_the_end_everything(kind: str, tiny: Tiny) -> None:
    tokenizer = tokenization.load(tiny(kind))

    @settings(max_examples=60, deadline=None)
    @given(st.text("a 😀鬱é👩\u200d\n<", max_size=15), st.integers(0, 30))
    def check(text: str, cut: int) -> None:
        ids = [p.id for p in tokenizer.encode(text)]
        stream = tokenizer.stream(ids[:cut])
        parts = [stream.push(number) for number in ids[cut:]]
        if kind in ("gpt2", "qwen2", "roberta", "modernbert", "llama"):
            assert "\ufffd" not in "".join(parts)
        whole = tokenizer.decode(ids)
        assert whole.endswith("".join(parts) + stream.flush())
        if cut == 0:
            assert "".join(parts) == whole

    check()


@pytest.mark.parametrize("kind", ["gpt2", "qwen2", "roberta", "modernbert"])
@given(text=st.text(max_size=30))
@settings(max_examples=100, deadline=None)
def test_bytes_come_back_as_they_went_in(kind: str, text: str, tiny: Tiny) -> None:
    tokenizer = tokenization.load(tiny(kind))
    expected = unicodedata.normalize("NFC", text) if kind == "qwen2" else text
    assert tokenizer.decode([piece.id for piece in tokenizer.encode(text)]) == expected


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_an_unfinished_character_is_held_back_and_then_given_up(kind: str, tiny: Tiny) -> None:
    tokenizer = tokenization.load(tiny(kind))
    ids = [p.id for p in tokenizer.after("鬱")]
    stream = tokenizer.stream()
    assert [stream.push(number) for number in ids[:-1]] == [""] * (len(ids) - 1)
    assert set(stream.flush()) == {"\ufffd"}
    later = tokenizer.stream(ids[:-1])
    assert later.push(ids[-1]) == "鬱"


@pytest.mark.parametrize("kind", ["gpt2", "gpt2-sentencepiece", "llama", "qwen2", "albert"])
def test_a_text_that_goes_on_has_no_space_put_before_it(kind: str, tiny: Tiny) -> None:
    tokenizer = tokenization.load(tiny(kind))
    for text in ("をしました。", "ing", " with me", "", "."):
        pieces = tokenizer.after(text)
        stream = tokenizer.stream([piece.id for piece in tokenizer.encode("x")])
        assert "".join(stream.push(piece.id) for piece in pieces) == text
        for piece in pieces:
            assert piece.start is not None and piece.end is not None
            assert 0 <= piece.start <= piece.end <= len(text)
        if text and not text[0].isspace():
            assert not pieces[0].text.startswith(" ")


# --------------------------------------------------------------------------------- chat


@pytest.mark.parametrize("kind", ["llama", "qwen2"])
def test_chats_are_laid_out_and_cut_as_transformers_does(kind: str, tiny: Tiny) -> None:
    if kind == "llama":
        pytest.importorskip("google.protobuf", reason="transformers reads tokenizer.model by it")
    tokenizer = tokenization.load(tiny(kind))
    reference = transformers.AutoTokenizer.from_pretrained(tiny(kind))
    for turns in (TURNS, TURNS[1:2], [*TURNS, Turn("user", "東京😀\n\n[INST]")]):
        messages = [{"role": turn.role, "content": turn.text} for turn in turns]
        text = tokenizer.chat(turns)
        assert text is not None
        assert text == reference.apply_chat_template(
            messages, tokenize=False, add_generation_prompt=True
        )
        ids = reference.apply_chat_template(
            messages, tokenize=True, add_generation_prompt=True, return_dict=False
        )
        assert [p.id for p in tokenizer.laid_out(text)] == ids
        assert tokenizer.decode(ids)


LAID_OUT = [
    "<s>[INST] Hello  東京 [/INST] hi</s>[INST] x [/INST]",
    *("<s> a</s>b", "x<s>\n y", "<s><s>a</s>  b", "<|user|>\nhi<|end|>\n<|assistant|>\nok"),
]


@pytest.mark.parametrize("kind", ["llama", "mistral"])
@pytest.mark.parametrize("legacy", [None, False, True])
@pytest.mark.parametrize("name", ["LlamaTokenizer", "CodeLlamaTokenizer"])
def test_what_follows_a_special_token_is_cut_as_its_class_cuts_it(
    name: str, legacy: bool | None, kind: str, tmp_path: Path
) -> None:
    pytest.importorskip("google.protobuf", reason="transformers reads tokenizer.model by it")
    model = families.sentencepiece_model(
        "bpe",
        unk=0,
        bos=1,
        eos=2,
        byte_fallback=True,
        verbatim=True,
        user_defined=["<|user|>", "<|end|>"],
    )
    (tmp_path / "tokenizer.model").write_bytes(model)
    config: dict[str, object] = {"tokenizer_class": name, "bos_token": "<s>", "eos_token": "</s>"}
    size = len(SentencePieceProcessor(model_proto=model))
    added = {"content": "<|assistant|>", "rstrip": True, "special": True}
    more = {"lstrip": False, "normalized": False, "single_word": False}
    config["added_tokens_decoder"] = {str(size): added | more}
    if legacy is not None:
        config["legacy"] = legacy
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    reference = transformers.AutoTokenizer.from_pretrained(tmp_path)
    tokenizer = tokenization.load(tmp_path)
    for text in LAID_OUT:
        expected = reference(text, add_special_tokens=False)["input_ids"]
        assert [p.id for p in tokenizer.laid_out(text)] == expected, text


def with_template(tiny: Tiny, folder: Path, template: str) -> Tokenizer:
    shutil.copytree(tiny("qwen2"), folder, dirs_exist_ok=True)
    (folder / "chat_template.jinja").write_text(template, encoding="utf-8")
    return tokenization.load(folder)


def test_a_model_without_a_template_has_no_chat(tiny: Tiny) -> None:
    assert tokenization.load(tiny("gpt2")).chat(TURNS) is None


def test_templates_may_use_what_transformers_gives_them(tiny: Tiny, tmp_path: Path) -> None:
    template = (
        "{% set ns = namespace(n=0) %}{% for m in messages %}{% if loop.index == 3 %}{% break %}"
        "{% endif %}{% set ns.n = ns.n + 1 %}{% generation %}{{ m | tojson }}{% endgeneration %}"
        "{% endfor %}{{ ns.n }}{{ eos_token }}{{ strftime_now('%%') }}{{ tools is none }}"
    )
    text = with_template(tiny, tmp_path, template).chat(TURNS)
    reference = transformers.AutoTokenizer.from_pretrained(tmp_path)
    messages = [{"role": turn.role, "content": turn.text} for turn in TURNS]
    assert text == reference.apply_chat_template(
        messages, tokenize=False, add_generation_prompt=True
    )


def test_a_template_may_refuse_and_its_words_arrive(tiny: Tiny, tmp_path: Path) -> None:
    tokenizer = with_template(tiny, tmp_path, "{{ raise_exception('no system prompt') }}")
    with pytest.raises(EngineError) as refusal:
        tokenizer.chat(TURNS)
    assert refusal.value.event.kind == "bad_request"
    assert "no system prompt" in worded(refusal.value.event.message)


LOOP = "{% for b in range(99999) %}"


@pytest.mark.parametrize(
    ("template", "kind", "words"),
    [
        (LOOP * 3 + "{% endfor %}" * 3, "bad_request", "more than 2 seconds"),
        ("{{ (9 ** (9 ** 9)) % 7 }}", "bad_request", "more than 2 seconds"),
        ("{{ 'x' * 10 ** 10 }}", "bad_request", "more than 512 MB"),
        (
            "{% set ns = namespace(t='x') %}" + LOOP + "{% set ns.t = ns.t + ns.t %}{% endfor %}",
            "bad_request",
            "more than 512 MB",
        ),
        ("{{ 'x' * 2000000 }}", "bad_request", "1,000,000 characters"),
        ("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", "bad_request", "itself without end"),
        ("{{ 1 // (messages | length - messages | length) }}", "bad_request", "by zero"),
        ("{{ '%d' % 'a' }}", "bad_request", "a real number is required"),
        ("{{ messages['x'].y.z }}", "bad_request", "x"),
        ("{{ 'a\\ud800' }}", "bad_request", "not Unicode"),
        ("{{ " + "(" * 900 + "1" + ")" * 900 + " }}", "broken_model", "without end"),
        ("{% for a in [1] %}" * 30 + "{% endfor %}" * 30, "broken_model", "nested"),
    ],
)
def test_a_template_may_take_only_so_much_and_fails_in_words(
    template: str, kind: str, words: str, tiny: Tiny, tmp_path: Path
) -> None:
    tokenizer = with_template(tiny, tmp_path, template)
    with pytest.raises(EngineError) as refusal:
        tokenizer.chat(TURNS)
    event = refusal.value.event
    assert event.kind == kind
    assert words in worded(event.message)
    assert "Error" not in worded(event.message)


def test_a_template_is_rendered_by_one_process_for_as_long_as_it_is_wanted(
    tiny: Tiny, tmp_path: Path
) -> None:
    def children() -> set[psutil.Process]:
        return set(psutil.Process().children())

    before = children()
    hang = "{% if messages[0].content == 'hang' %}" + LOOP * 3 + "{% endfor %}" * 3 + "{% endif %}"
    tokenizer = with_template(tiny, tmp_path, hang + "{{ messages[0].content }}")
    assert children() <= before
    assert tokenizer.chat([Turn("user", "東\u2028\r\n京")]) == "東\u2028\r\n京"
    (first,) = children() - before
    assert tokenizer.chat([Turn("user", "b")]) == "b"
    assert children() - before == {first}
    with pytest.raises(EngineError):
        tokenizer.chat([Turn("user", "hang")])
    assert tokenizer.chat([Turn("user", "c")]) == "c"
    (second,) = children() - before
    assert second != first
    del tokenizer
    gc.collect()
    assert children() <= before


@pytest.mark.parametrize(
    "escape",
    [
        "{{ ''.__class__.__mro__ }}",
        "{{ messages.append(1) }}",
        "{% set ns = namespace() %}{% set ns.__class__ = 1 %}",
        "{{ dict.mro() }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
    ],
)
def test_a_template_cannot_leave_its_sandbox(escape: str, tiny: Tiny, tmp_path: Path) -> None:
    tokenizer = with_template(tiny, tmp_path, escape)
    with pytest.raises(EngineError) as refusal:
        tokenizer.chat(TURNS)
    assert refusal.value.event.kind == "bad_request"

"""Builds the `tokenizers` pipeline of a folder, as transformers would.

transformers 5 does not simply read tokenizer.json: for the classes below it takes the vocabulary
from there and the rules from the class and tokenizer_config.json (`convert_to_native_format` in
its tokenization_utils_tokenizers.py and `__init__` of each class). Importing it takes seconds, so
the same rules are implemented here; tests compare the two.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from pathlib import Path

from tokenizers import (
    AddedToken,
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)

from engine.errors import Fault
from engine.messages import Message
from engine.tokenization import layouts, pieces
from engine.tokenization.classes import UNIGRAM, TokenSpec
from engine.tokenization.files import ROLES, TokenizerConfig, TokenizerFiles, broken, lines, text

# From Qwen2Tokenizer in transformers (models/qwen2/tokenization_qwen2.py).
_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPACE = "▁"
"""How sentencepiece and its successors write a space."""


def build(files: TokenizerFiles, sentencepiece: Path | None = None) -> Tokenizer:
    """Build the pipeline from tokenizer.json or the older vocabulary files.

    `sentencepiece` is the file with the vocabulary, for a class in `classes.UNIGRAM`.

    Raises:
        EngineError: ``broken_model`` if there is no vocabulary or it cannot be read, or if the
            rules of the folder's class are not supported.
    """
    family = files.family
    extra: list[TokenSpec] = []
    if family == "BertJapaneseTokenizer":
        _refuse_cutters(files)
    if sentencepiece is None:
        backend = _vocabulary(files)
    else:
        backend, extra = _from_sentencepiece(files, sentencepiece)
    backend.no_truncation()
    backend.no_padding()
    if family in ("BertTokenizer", "MPNetTokenizer"):
        _like_bert(backend, files)
    elif family == "BertJapaneseTokenizer":
        _like_bert_japanese(backend, files.tokenizer)
    elif family in ("GPT2Tokenizer", "RobertaTokenizer"):
        _like_gpt2(backend, files.tokenizer)
    elif family == "Qwen2Tokenizer":
        _like_qwen(backend, files.tokenizer)
    elif family == "LlamaTokenizer" and not _byte_level(backend):
        _like_llama(backend, files.tokenizer)
    elif family in UNIGRAM:
        _like_unigram(backend, family, files.tokenizer)
    _add_special(backend, files, extra)
    # After adding special tokens, as these steps refer to them by id.
    if family in ("RobertaTokenizer", "MPNetTokenizer"):
        _frame_roberta(backend, files)
    elif family in _TEMPLATES:
        _template(backend, files, *_TEMPLATES[family])
    elif backend.post_processor is None:
        _start_and_end(backend, files)
    _check(backend, files)
    return backend


_STRANGE = "\U0010fffd"
"""A character that is in no vocabulary."""


def _check(backend: Tokenizer, files: TokenizerFiles) -> None:
    """Refuse a vocabulary that would fail on some texts."""
    if backend.get_vocab_size(with_added_tokens=False) == 0:
        raise broken(files.folder, Message.of("reason.empty_vocabulary"))
    model = backend.model
    if isinstance(model, (models.WordPiece, models.WordLevel)):
        if model.token_to_id(model.unk_token) is None:
            raise broken(files.folder, Message.of("reason.no_unknown_token", token=model.unk_token))
    elif isinstance(model, models.Unigram):
        try:
            model.tokenize(_STRANGE)
        except Exception as error:  # the library raises nothing narrower
            raise broken(files.folder, Message.of("reason.no_unknown")) from error


def _vocabulary(files: TokenizerFiles) -> Tokenizer:
    folder = files.folder
    if (folder / "tokenizer.json").is_file() and files.family != "BertJapaneseTokenizer":
        _check_merges(folder)
        return Tokenizer.from_file(str(folder / "tokenizer.json"))
    if not files.family and files.reader and _older(folder):
        raise broken(folder, Message.of("reason.unsupported_class", reader=files.reader))
    if (folder / "vocab.txt").is_file():
        return Tokenizer(_words(files))
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return Tokenizer(_merges(folder))
    raise broken(folder, Message.of("reason.no_vocabulary"))


_PREFIX = re.compile(rb'"continuing_subword_prefix"\s*:\s*"[^"]')


def _check_merges(folder: Path) -> None:
    """Refuse merges that do not begin with their prefix: the library cuts it off unchecked, and if
    that splits a character, the whole process crashes."""
    data = (folder / "tokenizer.json").read_bytes()
    if not _PREFIX.search(data):
        return
    model = json.loads(data)["model"]
    prefix = model.get("continuing_subword_prefix")
    for merge in model.get("merges", ()) if prefix else ():
        parts = merge.split(" ") if isinstance(merge, str) else merge
        if not parts[-1].startswith(prefix):
            raise broken(folder, Message.of("reason.odd_merge", merged=parts[-1], prefix=prefix))


def _older(folder: Path) -> bool:
    """Whether there is a vocabulary without the rules that belong to it."""
    return (folder / "vocab.txt").is_file() or (folder / "vocab.json").is_file()


def _words(files: TokenizerFiles) -> models.Model:
    """A vocabulary with one token per line, with the algorithm of its class."""
    vocabulary = {line: number for number, line in enumerate(lines(files.folder / "vocab.txt"))}
    spec = files.special("unk")
    unknown = spec.content if spec else "[UNK]"
    by_character = files.tokenizer.subword_tokenizer_type == "character"
    if files.family == "BertJapaneseTokenizer" and by_character:
        return models.WordLevel(vocabulary, unk_token=unknown)
    return models.WordPiece(vocabulary, unk_token=unknown)


def _refuse_cutters(files: TokenizerFiles) -> None:
    """Refuse the word and subword tokenizers of a Japanese BERT that are not supported."""
    config = files.tokenizer
    cutter = config.word_tokenizer_type or "basic"
    subwords = config.subword_tokenizer_type or "wordpiece"
    for what in (cutter, subwords):
        if what not in ("basic", "wordpiece", "character"):
            raise broken(files.folder, Message.of("reason.unsupported_split", how=what))
    if config.do_word_tokenize is False or config.do_subword_tokenize is False:
        raise broken(files.folder, Message.of("reason.no_split"))
    if config.never_split:
        raise broken(files.folder, Message.of("reason.never_split"))


def _merges(folder: Path) -> models.BPE:
    vocabulary: dict[str, int] = json.loads(text(folder / "vocab.json"))
    merges: list[tuple[str, str]] = []
    for line in lines(folder / "merges.txt"):
        if line.strip() and not line.startswith("#version"):
            left, _, right = line.strip().partition(" ")
            merges.append((left, right))
    return models.BPE(vocabulary, merges)


def _from_sentencepiece(files: TokenizerFiles, path: Path) -> tuple[Tokenizer, list[TokenSpec]]:
    """The pieces of a file, numbered as in the folder's class, and those that are matched
    literally."""
    try:
        found = pieces.read(path)
        vocabulary, unknown = layouts.laid_out(files, found)
        backend = Tokenizer(models.Unigram(vocabulary, unknown, False))
        if found.charsmap:
            backend.normalizer = normalizers.Precompiled(found.charsmap)
    except (Fault, ValueError) as error:
        why = error.reason if isinstance(error, Fault) else str(error)
        raise broken(
            files.folder, Message.of("reason.unreadable", file=path.name, why=why)
        ) from error
    if not found.unigram:
        raise broken(files.folder, Message.of("reason.not_unigram", file=path.name))
    matched = [
        TokenSpec(piece, special=kind == pieces.CONTROL)
        for (piece, _), kind in zip(found.scored, found.kinds, strict=True)
        if kind in (pieces.CONTROL, pieces.USER_DEFINED)
    ]
    return backend, matched


def _like_bert(backend: Tokenizer, files: TokenizerFiles) -> None:
    config = files.tokenizer
    backend.normalizer = normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=config.tokenize_chinese_chars is not False,
        strip_accents=config.strip_accents,
        lowercase=config.do_lower_case is not False,
    )
    backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.decoder = decoders.WordPiece(prefix="##")


def _like_gpt2(backend: Tokenizer, config: TokenizerConfig) -> None:
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=bool(config.add_prefix_space))
    backend.decoder = decoders.ByteLevel()


def _like_qwen(backend: Tokenizer, config: TokenizerConfig) -> None:
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_QWEN_WORDS), behavior="isolated"),
            pre_tokenizers.ByteLevel(
                add_prefix_space=bool(config.add_prefix_space), use_regex=False
            ),
        ]
    )
    backend.decoder = decoders.ByteLevel()


def _like_llama(backend: Tokenizer, config: TokenizerConfig) -> None:
    prefix = config.add_prefix_space is not False
    scheme = "never" if not prefix else "always" if config.legacy else "first"
    backend.normalizer = None
    backend.pre_tokenizer = pre_tokenizers.Metaspace(
        replacement=SPACE, prepend_scheme=scheme, split=False
    )
    steps = [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse()]
    if prefix:
        steps.append(decoders.Strip(content=" ", left=1))
    backend.decoder = decoders.Sequence(steps)


def _like_bert_japanese(backend: Tokenizer, config: TokenizerConfig) -> None:
    """BasicTokenizer and what follows it in models/bert_japanese of transformers."""
    lower = bool(config.do_lower_case)
    steps: list[normalizers.Normalizer] = [
        normalizers.BertNormalizer(
            clean_text=True, handle_chinese_chars=False, strip_accents=False, lowercase=False
        ),
        normalizers.NFC(),
    ]
    if lower:
        steps += [normalizers.Lowercase(), normalizers.NFD(), normalizers.StripAccents()]
    if config.subword_tokenizer_type == "character":
        # Spaces that result from NFKC are kept as characters; those of the text are not.
        steps += [normalizers.Replace(" ", "\n"), normalizers.NFKC()]
        backend.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split("\n", behavior="removed"),
                pre_tokenizers.Split(Regex("."), behavior="isolated"),
            ]
        )
    else:
        backend.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    backend.normalizer = normalizers.Sequence(steps)
    backend.decoder = decoders.WordPiece(prefix="##", cleanup=False)


_SPACES = normalizers.Replace(Regex(" {2,}"), " ")


def _like_unigram(backend: Tokenizer, family: str, config: TokenizerConfig) -> None:
    compiled = _precompiled(backend)
    own = [] if compiled is None else [compiled]
    folded: list[normalizers.Normalizer] = []
    if not config.keep_accents:
        folded += [normalizers.NFKD(), normalizers.StripAccents()]
    if config.do_lower_case is not False:
        folded.append(normalizers.Lowercase())
    by_family: dict[str, list[normalizers.Normalizer]] = {
        "AlbertTokenizer": [
            normalizers.Replace("``", '"'),
            normalizers.Replace("''", '"'),
            *folded,
            *own,
        ],
        "BigBirdTokenizer": [normalizers.Replace(Regex(" {2,}"), SPACE)],
        "DebertaV2Tokenizer": [
            *([normalizers.Lowercase()] if config.do_lower_case else []),
            normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "),
            normalizers.NFC(),
            normalizers.Strip(left=False, right=True),
        ],
        "MBartTokenizer": [],
        "MBart50Tokenizer": [*own, _SPACES],
        "XGLMTokenizer": [*own, _SPACES],
    }
    steps = by_family.get(family, own)
    backend.normalizer = normalizers.Sequence(steps) if steps else None
    cutters: list[pre_tokenizers.PreTokenizer] = []
    if family in ("AlbertTokenizer", "CamembertTokenizer", "MBartTokenizer", "XLMRobertaTokenizer"):
        cutters.append(pre_tokenizers.WhitespaceSplit())
    if family == "DebertaV2Tokenizer" and config.split_by_punct:
        cutters.append(pre_tokenizers.Punctuation(behavior="isolated"))
    scheme = "always"
    if config.add_prefix_space is False and not family.startswith("MBart"):
        scheme = "first" if family == "DebertaV2Tokenizer" else "never"
    cutters.append(pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=scheme))
    backend.pre_tokenizer = pre_tokenizers.Sequence(cutters)
    backend.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme=scheme)


def _precompiled(backend: Tokenizer) -> normalizers.Normalizer | None:
    """The normalisation table of the sentencepiece model that a vocabulary was made from."""
    if backend.normalizer is None:
        return None
    written = json.loads(backend.normalizer.__getstate__())
    for step in written.get("normalizers", [written]):
        if step["type"] == "Precompiled":
            return normalizers.Precompiled(base64.b64decode(step["precompiled_charsmap"]))
    return None


def _byte_level(backend: Tokenizer) -> bool:
    return isinstance(backend.decoder, decoders.ByteLevel)


def _add_special(backend: Tokenizer, files: TokenizerFiles, extra: Sequence[TokenSpec]) -> None:
    """Add the special tokens named in the configuration that are missing."""
    have = {token.content for token in backend.get_added_tokens_decoder().values()}
    by_id = sorted((int(i), spec) for i, spec in files.tokenizer.added_tokens_decoder.items())
    by_id += sorted(
        (i, TokenSpec(t, normalized=True, special=False)) for t, i in files.added.items()
    )
    named = [files.special(role) for role in ROLES]
    wanted = [*(spec for _, spec in by_id), *(s for s in named if s is not None)]
    wanted += [*files.extra(), *extra, *map(TokenSpec, layouts.marks(files.family))]
    roles = {spec.content for spec in named if spec is not None}
    tokens: dict[str, AddedToken] = {}
    for spec in wanted:
        if spec.content not in have and spec.content not in tokens:
            tokens[spec.content] = AddedToken(
                spec.content,
                single_word=spec.single_word,
                lstrip=spec.lstrip,
                rstrip=spec.rstrip,
                normalized=spec.normalized,
                special=spec.special or spec.content in roles,
            )
    backend.add_tokens(list(tokens.values()))


def _id(backend: Tokenizer, files: TokenizerFiles, role: str) -> tuple[str, int] | None:
    spec = files.special(role)
    number = None if spec is None else backend.token_to_id(spec.content)
    return None if spec is None or number is None else (spec.content, number)


_CLS_SEP = ("cls:0 $A:0 sep:0", "cls:0 $A:0 sep:0 $B:1 sep:1")
_TEMPLATES = {
    **dict.fromkeys(("AlbertTokenizer", "BertTokenizer", "BertJapaneseTokenizer"), _CLS_SEP),
    **dict.fromkeys(("BigBirdTokenizer", "DebertaV2Tokenizer"), _CLS_SEP),
    **dict.fromkeys(
        ("CamembertTokenizer", "XLMRobertaTokenizer"),
        ("bos:0 $A:0 eos:0", "bos:0 $A:0 eos:0 eos:0 $B:0 eos:0"),
    ),
    "MBartTokenizer": ("$A:0 eos:0 lang:0", "$A:0 $B:0 eos:0 lang:0"),
    "MBart50Tokenizer": ("lang:0 $A:0 eos:0", "lang:0 $A:0 $B:0 eos:0"),
    "XGLMTokenizer": ("eos:0 $A:0", "eos:0 $A:0 eos:0 eos:0 $B:0"),
}
"""The frames of a text and of a pair of texts: each a role or a text, and its segment."""


def _template(backend: Tokenizer, files: TokenizerFiles, single: str, pair: str) -> None:
    language = files.tokenizer.src_lang or "en_XX"
    tokens = {role: _id(backend, files, role) for role in ROLES}
    number = backend.token_to_id(language)
    tokens["lang"] = None if number is None else (language, number)

    def filled(template: str) -> tuple[list[str], list[tuple[str, int]]]:
        steps: list[str] = []
        used: list[tuple[str, int]] = []
        for step in template.split():
            role, _, segment = step.partition(":")
            token = tokens.get(role)
            if token is not None:
                used.append(token)
                step = f"{token[0]}:{segment}"
            elif not role.startswith("$"):
                raise broken(files.folder, Message.of("reason.no_frame"))
            steps.append(step)
        return steps, used

    (alone, used), (both, more) = filled(single), filled(pair)
    backend.post_processor = processors.TemplateProcessing(
        single=alone, pair=both, special_tokens=list(dict.fromkeys([*used, *more]))
    )


def _frame_roberta(backend: Tokenizer, files: TokenizerFiles) -> None:
    cls, sep = _id(backend, files, "cls"), _id(backend, files, "sep")
    if cls is None or sep is None:
        raise broken(files.folder, Message.of("reason.no_frame"))
    config = files.tokenizer
    backend.post_processor = processors.RobertaProcessing(
        sep,
        cls,
        config.trim_offsets is not False,
        bool(config.add_prefix_space) and files.family == "RobertaTokenizer",
    )


def _start_and_end(backend: Tokenizer, files: TokenizerFiles) -> None:
    bos = _id(backend, files, "bos") if files.tokenizer.add_bos_token else None
    eos = _id(backend, files, "eos") if files.tokenizer.add_eos_token else None
    if bos is None and eos is None:
        return
    single = f"{bos[0]}:0 $A:0" if bos else "$A:0"
    single += f" {eos[0]}:0" if eos else ""
    backend.post_processor = processors.TemplateProcessing(
        single=single, special_tokens=[token for token in (bos, eos) if token is not None]
    )

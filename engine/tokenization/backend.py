"""Builds the `tokenizers` pipeline of a folder, as transformers would.

transformers 5 does not simply read tokenizer.json: for the classes below it takes the vocabulary
from there and the rules from the class and tokenizer_config.json (`convert_to_native_format` in
its tokenization_utils_tokenizers.py and `__init__` of each class). Its own import costs seconds,
so the same rules are laid down here; tests hold the two against each other.
"""

from __future__ import annotations

import base64
import json
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

from engine.tokenization.files import ROLES, TokenizerConfig, TokenizerFiles, TokenSpec, broken

# From Qwen2Tokenizer in transformers (models/qwen2/tokenization_qwen2.py).
_QWEN_WORDS = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

SPACE = "▁"
"""How sentencepiece and its heirs write a space."""


def build(files: TokenizerFiles) -> Tokenizer:
    """The pipeline, from tokenizer.json or the older vocabulary files.

    Raises:
        EngineError: ``broken_model`` when there is no vocabulary or it cannot be read.
    """
    backend = _vocabulary(files)
    backend.no_truncation()
    backend.no_padding()
    if files.family == "BertTokenizer":
        _like_bert(backend, files)
    elif files.family in ("GPT2Tokenizer", "RobertaTokenizer"):
        _like_gpt2(backend, files.tokenizer)
    elif files.family == "Qwen2Tokenizer":
        _like_qwen(backend, files.tokenizer)
    elif files.family == "LlamaTokenizer" and not _byte_level(backend):
        _like_llama(backend, files.tokenizer)
    elif files.family == "AlbertTokenizer":
        _like_albert(backend, files.tokenizer)
    _add_special(backend, files)
    # After the special tokens are there, since these steps name them by id.
    if files.family == "BertTokenizer":
        _frame(backend, files)
    elif files.family == "RobertaTokenizer":
        _frame_roberta(backend, files)
    elif files.family == "AlbertTokenizer":
        _frame(backend, files)
    elif backend.post_processor is None:
        _start_and_end(backend, files)
    return backend


def _vocabulary(files: TokenizerFiles) -> Tokenizer:
    folder = files.folder
    try:
        if (folder / "tokenizer.json").is_file():
            return Tokenizer.from_file(str(folder / "tokenizer.json"))
        if (folder / "vocab.txt").is_file():
            unknown = files.special("unk")
            return Tokenizer(
                models.WordPiece(
                    _lines(folder / "vocab.txt"),
                    unk_token=unknown.content if unknown else "[UNK]",
                )
            )
        if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
            return Tokenizer(_merges(folder))
    except Exception as error:  # the library raises nothing narrower
        raise broken(folder, str(error)) from error
    raise broken(folder, "there is no tokenizer.json, vocab.txt or sentencepiece model")


def _lines(path: Path) -> dict[str, int]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        return {line.rstrip("\n"): number for number, line in enumerate(lines)}


def _merges(folder: Path) -> models.BPE:
    vocabulary: dict[str, int] = json.loads((folder / "vocab.json").read_text(encoding="utf-8"))
    merges: list[tuple[str, str]] = []
    for line in (folder / "merges.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#version"):
            left, _, right = line.strip().partition(" ")
            merges.append((left, right))
    return models.BPE(vocabulary, merges)


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


def _like_albert(backend: Tokenizer, config: TokenizerConfig) -> None:
    steps: list[normalizers.Normalizer] = [
        normalizers.Replace("``", '"'),
        normalizers.Replace("''", '"'),
    ]
    if not config.keep_accents:
        steps += [normalizers.NFKD(), normalizers.StripAccents()]
    if config.do_lower_case is not False:
        steps.append(normalizers.Lowercase())
    compiled = _precompiled(backend)
    if compiled is not None:
        steps.append(compiled)
    scheme = "never" if config.add_prefix_space is False else "always"
    backend.normalizer = normalizers.Sequence(steps)
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.WhitespaceSplit(),
            pre_tokenizers.Metaspace(replacement=SPACE, prepend_scheme=scheme),
        ]
    )
    backend.decoder = decoders.Metaspace(replacement=SPACE, prepend_scheme=scheme)


def _precompiled(backend: Tokenizer) -> normalizers.Normalizer | None:
    """The normalisation table of the sentencepiece model that a vocabulary came from."""
    if backend.normalizer is None:
        return None
    written = json.loads(backend.normalizer.__getstate__())
    for step in written.get("normalizers", [written]):
        if step["type"] == "Precompiled":
            return normalizers.Precompiled(base64.b64decode(step["precompiled_charsmap"]))
    return None


def _byte_level(backend: Tokenizer) -> bool:
    return isinstance(backend.decoder, decoders.ByteLevel)


def _add_special(backend: Tokenizer, files: TokenizerFiles) -> None:
    """Make the special tokens that the configuration names known, where they are not yet."""
    have = {token.content for token in backend.get_added_tokens_decoder().values()}
    by_id = sorted((int(i), spec) for i, spec in files.tokenizer.added_tokens_decoder.items())
    by_id += sorted(
        (i, TokenSpec(t, normalized=True, special=False)) for t, i in files.added.items()
    )
    named = [files.special(role) for role in ROLES]
    wanted = [*(spec for _, spec in by_id), *(s for s in named if s is not None), *files.extra()]
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


def _frame(backend: Tokenizer, files: TokenizerFiles) -> None:
    """[CLS] A [SEP] and [CLS] A [SEP] B [SEP], the second text as segment 1."""
    cls, sep = _id(backend, files, "cls"), _id(backend, files, "sep")
    if cls is None or sep is None:
        raise broken(files.folder, "it has no tokens to frame a text with")
    single = f"{cls[0]}:0 $A:0 {sep[0]}:0"
    backend.post_processor = processors.TemplateProcessing(
        single=single, pair=f"{single} $B:1 {sep[0]}:1", special_tokens=[cls, sep]
    )


def _frame_roberta(backend: Tokenizer, files: TokenizerFiles) -> None:
    cls, sep = _id(backend, files, "cls"), _id(backend, files, "sep")
    if cls is None or sep is None:
        raise broken(files.folder, "it has no tokens to frame a text with")
    config = files.tokenizer
    backend.post_processor = processors.RobertaProcessing(
        sep, cls, config.trim_offsets is not False, bool(config.add_prefix_space)
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

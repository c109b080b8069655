"""Text <-> pieces <-> ids, exact for sentencepiece, WordPiece and byte-level BPE.

Sentencepiece models are cut by sentencepiece itself, all others by the `tokenizers` library with
the rules that transformers would lay over it. Neither torch nor transformers is imported.
"""

from __future__ import annotations

from pathlib import Path

from engine.model import Tokenizer
from engine.tokenization import backend
from engine.tokenization.files import TokenizerFiles, broken, read
from engine.tokenization.library import LibraryTokenizer
from engine.tokenization.sentence import SentenceTokenizer, find_model


def load(folder: Path) -> Tokenizer:
    """The tokenizer of a model's folder (transformers layout).

    Raises:
        EngineError: ``broken_model`` when its files are missing, broken, or need a word cutter
            (MeCab, Juman) that this application does not carry.
    """
    files = read(folder)
    if files.tokenizer.tokenizer_class == "BertJapaneseTokenizer" and (
        files.tokenizer.word_tokenizer_type != "basic"
    ):
        cutter = files.tokenizer.word_tokenizer_type or "mecab"
        raise broken(folder, f"it first cuts words with {cutter}, which is not carried here")
    sentencepiece = find_model(folder)
    if sentencepiece is not None and (
        not (folder / "tokenizer.json").is_file() or _mistaken_for_t5(files)
    ):
        return SentenceTokenizer(files, sentencepiece)
    return LibraryTokenizer(files, backend.build(files))


def _mistaken_for_t5(files: TokenizerFiles) -> bool:
    """Whether tokenizer.json was written by T5Tokenizer for a model that is no T5.

    That class puts `<unk>` at id 2 in whatever vocabulary, which in rinna's is `</s>`.
    """
    return files.family == "T5Tokenizer" and "t5" not in files.model.model_type

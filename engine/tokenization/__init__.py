"""Text <-> pieces <-> ids, exact for sentencepiece, WordPiece and byte-level BPE.

    classes.py    which tokenizer class of transformers reads a folder, and its defaults
    files.py      reads a folder's JSON files about the tokenizer
    sentence.py   tokenizes with sentencepiece itself
    library.py    tokenizes with the `tokenizers` library
    ngrams.py     the words of an n-gram model's text
    backend.py    builds that library's pipeline
    pieces.py     parses a sentencepiece file
    layouts.py    how some classes number its pieces
    rewriting.py  changes a text before it is cut, and maps positions back
    streaming.py  ids to text one at a time, in whole characters
    templates.py  chat templates
    rendering.py  renders one, in a process with limited resources

Sentencepiece models are tokenized by sentencepiece itself if their class does so, all others by the
`tokenizers` library with the rules that transformers would apply. Neither torch nor transformers is
imported.
"""

from __future__ import annotations

from pathlib import Path

from engine.interfaces import Tokenizer
from engine.messages import Message
from engine.tokenization import backend, ngrams
from engine.tokenization.classes import OWN_SENTENCEPIECE, UNIGRAM
from engine.tokenization.files import TokenizerFiles, broken, guarded, read
from engine.tokenization.library import LibraryTokenizer
from engine.tokenization.ngrams import NgramTokenizer
from engine.tokenization.sentence import SentenceTokenizer, find_model


def load(folder: Path) -> Tokenizer:
    """The tokenizer of a model's folder (transformers layout), or of an n-gram model's text.

    Raises:
        EngineError: ``broken_model`` if its files are missing or damaged, or if its class uses
            rules that are not supported (MeCab's and others).
    """
    if folder.is_file():
        return NgramTokenizer(ngrams.read(folder))
    with guarded(folder):
        return _load(folder)


def _load(folder: Path) -> Tokenizer:
    files = read(folder)
    sentencepiece = find_model(folder)
    written = (folder / "tokenizer.json").is_file() and not (sentencepiece and _mistaken(files))
    if sentencepiece is None or written or files.family == "BertJapaneseTokenizer":
        return LibraryTokenizer(files, backend.build(files))
    if files.family in UNIGRAM:
        return LibraryTokenizer(files, backend.build(files, sentencepiece))
    if files.reader in OWN_SENTENCEPIECE:
        raise broken(
            folder, Message.of("reason.own_numbers", reader=files.reader, file=sentencepiece.name)
        )
    return SentenceTokenizer(files, sentencepiece)


def _mistaken(files: TokenizerFiles) -> bool:
    """Whether tokenizer.json was written by T5Tokenizer for a model that is not a T5.

    That class puts `<unk>` at id 2 in any vocabulary; in rinna's, id 2 is `</s>`.
    """
    return files.family == "T5Tokenizer" and "t5" not in files.model.model_type

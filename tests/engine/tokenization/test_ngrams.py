"""The words of an n-gram model's text."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import tokenization
from engine.errors import EngineError
from engine.tokenization.ngrams import END, START, UNKNOWN, NgramTokenizer

TEXT = "The cat's 1,000 mice (e.g. Jerry).\n\nThe end.\n"


def test_words_have_their_places_and_unknown_ones_are_marked() -> None:
    tokenizer = NgramTokenizer(TEXT)
    written = "  The dog (e.g. cat's)\n"
    pieces = tokenizer.encode(written)
    assert [(piece.piece, written[piece.start : piece.end]) for piece in pieces] == [
        ("The", "  The"),
        ("dog", " dog"),
        ("(", " ("),
        ("e.g", "e.g"),
        (".", "."),
        ("cat's", " cat's"),
        (")", ")"),
    ]
    assert [piece.id == UNKNOWN for piece in pieces] == [False, True, *[False] * 5]
    assert [piece.id for piece in tokenizer.prompt("")] == [START] and tokenizer.ends == {END}
    assert [len(ids) for ids in tokenizer.sentences(TEXT)] == [10, 3]
    ids = [piece.id for piece in tokenizer.encode("The cat's (Jerry).")]
    stream = tokenizer.stream([START])
    assert "".join(map(stream.push, ids)) + stream.flush() == "The cat's ( Jerry)."
    assert tokenizer.decode([UNKNOWN, ids[0], UNKNOWN]) == "<unk> The <unk>"
    assert tokenizer.find("mice") == tokenizer.encode("mice")[0].id
    assert tokenizer.find("</s>") == END and tokenizer.find("dog") is None


def test_capitals_do_not_count_where_the_text_has_none() -> None:
    known = NgramTokenizer("the cat").encode("The CAT")
    assert [piece.id for piece in known] == [3, 4] and known[1].piece == "CAT"
    assert NgramTokenizer("The cat").encode("the")[0].id == UNKNOWN


def test_characters_of_japanese() -> None:
    tokenizer = NgramTokenizer("東京の夜は明るい。\nNo.1 です。")
    assert [piece.piece for piece in tokenizer.encode("東京 の N朝")] == list("東京のN朝")
    assert tokenizer.encode("朝")[0].id == UNKNOWN
    assert tokenizer.decode([tokenizer.find("東") or 0, tokenizer.find("京") or 0]) == "東京"
    assert not NgramTokenizer("He said 東京 twice.").characters


@pytest.mark.parametrize(
    ("data", "why"), [(b"", "no_words"), ("東京".encode("cp932"), "not_utf8"), (None, "absent")]
)
def test_a_text_that_cannot_be_read(tmp_path: Path, data: bytes | None, why: str) -> None:
    file = tmp_path / "a.txt"
    if data is None:
        from engine.tokenization import ngrams

        with pytest.raises(EngineError) as refused:
            ngrams.read(file)
    else:
        file.write_bytes(data)
        with pytest.raises(EngineError) as refused:
            tokenization.load(file)
    assert refused.value.event.kind == "broken_model" and why in str(refused.value)

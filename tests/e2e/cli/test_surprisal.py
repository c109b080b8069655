"""`tsuzuki surprisal` and `tsuzuki compare` on the bundled model, against transformers."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel

from tests.e2e.cli.conftest import Tsuzuki
from tests.e2e.cli.test_documents import JA, document
from tui.analysis.word_surprisal import segment

TEXT = "東京の夜は明るい。しかし、静かな町もある。"


def logprobs(ids: list[int]) -> list[float]:
    """Of each id but the first, by the plain class."""
    model = GPT2LMHeadModel.from_pretrained(JA, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(torch.tensor([ids])).logits[0].log_softmax(-1)
    scored: list[float] = logits[:-1].gather(-1, torch.tensor(ids[1:])[:, None])[:, 0].tolist()
    return scored


def test_every_token_is_scored_and_words_hold_them_all(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "text.txt"
    file.write_text(TEXT + "\n", encoding="utf-8")
    found = document(tsuzuki, "surprisal", str(file))
    assert list(found)[:5] == ["model", "bos", "tokens", "words", "perplexity"]
    assert found["bos"] == "<s>"
    assert [list(token) for token in found["tokens"][:1]] == [
        ["id", "text", "logprob", "rank", "entropy", "start", "end"]
    ]
    start = json.loads((JA / "config.json").read_text())["bos_token_id"]
    expected = logprobs([start, *(token["id"] for token in found["tokens"])])
    assert [token["logprob"] for token in found["tokens"]] == pytest.approx(expected, abs=1e-4)
    assert found["perplexity"] == pytest.approx(math.exp(-sum(expected) / len(expected)), rel=1e-4)
    assert "".join(word["text"] for word in found["words"]) == TEXT
    for part in found["tokens"] + found["words"]:
        assert part["text"].strip() == TEXT[part["start"] : part["end"]]
    total = sum(word["surprisal_bits"] for word in found["words"])
    assert total == pytest.approx(-sum(expected) / math.log(2), abs=1e-3)


def test_plain_text_has_a_header_over_tokens_and_over_words(tsuzuki: Tsuzuki) -> None:
    lines = tsuzuki("surprisal", TEXT).stdout.decode().splitlines()
    assert lines[0].split() == ["bits", "rank", "entropy", "token"]
    begin = lines.index("") + 1
    assert lines[begin].split() == ["bits", "word"]
    rows = [line.split() for line in lines[begin + 1 : lines.index("", begin)]]
    assert "".join(word.strip("'") for _, word in rows) == TEXT
    assert all(word.strip("'").isalnum() or word == "'、'" or word == "'。'" for _, word in rows)
    assert "without punctuation" in lines[-1]

    models = ["--model", "starter-ja", "--model", str(JA)]
    lines = tsuzuki("compare", TEXT, *models).stdout.decode().splitlines()
    assert [line[:3] for line in lines[:2]] == ["A  ", "B  "]
    assert lines[3].split() == ["A", "bits", "B", "bits", "B", "−", "A", "text"]
    assert "".join(line.split()[-1].strip("'") for line in lines[4:]) == TEXT


def test_without_a_start_token_the_first_one_has_no_surprisal(tsuzuki: Tsuzuki) -> None:
    found = document(tsuzuki, "surprisal", TEXT, "--no-start")
    assert found["bos"] is None
    assert found["tokens"][0]["logprob"] is None
    assert found["words"][0]["surprisal_bits"] is None
    expected = logprobs([token["id"] for token in found["tokens"]])
    assert [token["logprob"] for token in found["tokens"][1:]] == pytest.approx(expected, abs=1e-4)


def test_a_text_longer_than_the_context_is_read_in_windows(tsuzuki: Tsuzuki) -> None:
    found = document(tsuzuki, "surprisal", TEXT * 90)
    ids = [token["id"] for token in found["tokens"]]
    assert len(ids) > 2 * 512
    assert found["windows"] > 2
    assert all(token["logprob"] is not None for token in found["tokens"])
    # The last window's first token was read after half a context.
    context = json.loads((JA / "config.json").read_text())["n_positions"]
    room = context - 1
    windows = [room, *range(room + room // 2, len(ids), room // 2)]
    last = windows[-1]
    half = room - room // 2
    expected = logprobs(ids[last - half : last + 1])[-1]
    assert found["tokens"][last]["logprob"] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["surprisal", ""], "no text to read"),
        (["surprisal", TEXT, "--word-boundary"], "spaces between them"),
        (["compare", TEXT, "--model", "starter-ja"], "two models"),
        (["surprisal", "x", "--model", "starter-en"], "not a causal model"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(
    tsuzuki: Tsuzuki, arguments: list[str], told: str
) -> None:
    ended = tsuzuki(*arguments)
    assert ended.returncode in (1, 2)
    assert ended.stdout == b""
    assert told in ended.stderr.decode()
    assert b"Traceback" not in ended.stderr


def test_one_text_under_one_model_in_two_forms(tsuzuki: Tsuzuki) -> None:
    models = ["--model", "starter-ja", "--model", str(JA)]
    found = document(tsuzuki, "compare", TEXT, *models)
    assert [side["bos"] for side in found["models"]] == ["<s>", "<s>"]
    assert "".join(span["text"] for span in found["spans"]).strip() == TEXT
    assert all(abs(span["difference"]) < 1e-3 for span in found["spans"])
    assert len(found["greatest"]) == min(10, len(found["spans"]))


def test_bars_show_each_word(tsuzuki: Tsuzuki) -> None:
    words = document(tsuzuki, "surprisal", TEXT)["words"]
    lines = tsuzuki("surprisal", TEXT, "--bars").stdout.decode().splitlines()
    assert [line.split()[0] for line in lines] == [word["text"] for word in words]
    bits = [word["surprisal_bits"] for word in words]
    assert [float(line.split()[1]) for line in lines] == pytest.approx(bits, abs=0.005)
    longest = max(range(len(lines)), key=lambda number: lines[number].count("█"))
    assert bits[longest] == max(bits)
    assert tsuzuki("surprisal", TEXT, "--bars", "--json").returncode == 2


def test_measures_of_a_table_come_from_the_models_own_distributions(
    tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    file, counts = tmp_path / "texts.tsv", tmp_path / "counts.txt"
    file.write_text(f"item\tsentence\n1\t{TEXT}\n", encoding="utf-8")
    counts.write_text(TEXT, encoding="utf-8")
    command = ("surprisal", "--file", str(file), "--model", "starter-ja", "--measures", "--json")
    cut = document(tsuzuki, "surprisal", TEXT)["tokens"]
    ids = [1, *(token["id"] for token in cut)]
    model = GPT2LMHeadModel.from_pretrained(JA, dtype=torch.float32).eval()
    with torch.inference_mode():
        found = model(torch.tensor([ids])).logits[0].double().log_softmax(-1)
    entropies = (torch.special.entr(found.exp()).sum(-1) / math.log(2)).tolist()
    rows = [json.loads(line) for line in tsuzuki(*command, "--unit", "token").stdout.splitlines()]
    assert [row["entropy_bits"] for row in rows] == pytest.approx(entropies[:-1], abs=1e-4)
    reductions = [max(0.0, a - b) for a, b in itertools.pairwise(entropies)]
    assert [row["entropy_reduction_bits"] for row in rows] == pytest.approx(reductions, abs=1e-4)
    lines = tsuzuki(*command, "--unit", "sentence", "--unigrams", str(counts)).stdout.splitlines()
    (row,) = map(json.loads, lines)
    # Each word is there once, so each has (1 + 1) / (2 words + 1), though a token joins some.
    words = sum(any(map(str.isalnum, part)) for part in segment(TEXT)[1])
    alone = words * math.log2((2 * words + 1) / 2)
    assert row["unigram_bits"] == pytest.approx(alone)
    whole = row["bits_per_word"] * row["words"]
    assert row["slor_bits"] == pytest.approx((alone - whole) / words)

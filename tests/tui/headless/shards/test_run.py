"""A long file in shards: what is stored, what a rerun does, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from filelock import FileLock

from tests.support.shard_engine import ShardEngines
from tests.tui.headless.conftest import Tsuzuki


def score(tsuzuki: Tsuzuki, file: Path, out: Path, *more: str, code: int = 0) -> str:
    """Score a file by sentences; what was written to standard error."""
    told = tsuzuki(
        *("surprisal", "--file", str(file), "--unit", "sentence", "--model", "m"),
        *("--out", str(out), *more),
    )
    assert (told.code, told.out) == (code, "")
    return told.err


def plain(tsuzuki: Tsuzuki, file: Path, folder: Path) -> bytes:
    """The table of the same command without shards."""
    table = folder / "plain.tsv"
    arguments = ("surprisal", "--file", str(file), "--unit", "sentence", "--model", "m")
    tsuzuki(*arguments, "--tsv", str(table))
    return table.read_bytes()


@pytest.mark.parametrize("more", [(), ("--shard-rows", "2"), ("--workers", "3")])
def test_the_table_is_that_of_the_command_without_shards(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    expected = plain(tsuzuki, file, tmp_path)
    alone = sorted(texts for _, texts in engines.answered)
    engines.answered.clear()
    score(tsuzuki, file, tmp_path / "out", *more)
    assert (tmp_path / "out" / "result.tsv").read_bytes() == expected
    # The same batches, whatever the shards and whoever scores them.
    assert sorted(texts for _, texts in engines.answered) == alone
    beside = json.loads((tmp_path / "out" / "result.tsv.json").read_text())
    assert beside == json.loads((tmp_path / "plain.tsv.json").read_text())


def test_a_run_that_was_ended_goes_on_from_what_is_stored(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    engines.lives = {None: [3, 0, 0, 0]}
    err = score(tsuzuki, file, out, code=1)
    assert "The connection to the engine was lost." in err
    assert "1 of 3 shards are stored; the same command goes on from there" in err
    assert [each.name for each in (out / "shards").iterdir()] == ["000000.jsonl"]
    (out / "shards" / ".000001.jsonl.123").write_text("half a sh")  # killed as it wrote
    engines.answered.clear()
    score(tsuzuki, file, out)
    assert [texts[0] for _, texts in engines.answered] == ["abcde x", "abcdefg x", "abcdefghi x"]
    assert sorted(each.name for each in (out / "shards").iterdir()) == [
        f"00000{number}.jsonl" for number in range(3)
    ]
    assert (out / "result.tsv").read_bytes() == plain(tsuzuki, file, tmp_path)


def test_a_finished_run_needs_no_engine(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    score(tsuzuki, file, tmp_path / "out")
    (tmp_path / "out" / "result.tsv").unlink()
    score(tsuzuki, file, tmp_path / "out")
    assert engines.started == 1
    assert (tmp_path / "out" / "result.tsv").exists()


def test_rows_without_figures_are_listed_with_their_lines(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    lines = file.read_text().split("\n")
    lines[3], lines[6] = "2", "5\t"
    file.write_text("\n".join(lines))
    err = score(tsuzuki, file, tmp_path / "out", code=1)
    bad = tmp_path / "out" / "bad.tsv"
    assert f"2 of 10 rows could not be scored\nThey are in {bad}" in err
    assert bad.read_text() == (
        "line\treason\n4\t1 cells, where the first line names 2 columns\n"
        "7\tit has no text in sentence\n"
    )
    rows = (tmp_path / "out" / "result.tsv").read_text().split("\n")
    assert [row.split("\t")[0] for row in rows[1:-1]] == list("013456789")
    assert rows[5] == '5\t""\tNA\tNA\tNA\tNA\tNA'


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--model", "n"], "model is n, not m"),
        (["--unit", "word"], "unit is word, not sentence"),
        (["--no-start"], "start is False, not True"),
        (["--shard-rows", "2"], "--shard-rows is 2, not 4"),
        (["--threads", "77"], "--threads is 77, not 1"),
    ],
)
def test_the_folder_of_another_run_is_refused_in_words(
    tsuzuki: Tsuzuki, file: Path, tmp_path: Path, more: list[str], words: str
) -> None:
    given = {"--model": "m", "--unit": "sentence"}
    start = ["surprisal", "--file", str(file), "--out", str(tmp_path / "out")]
    tsuzuki(*start, "--model", "m", "--unit", "sentence", "--threads", "1")
    given |= {more[0]: more[1]} if len(more) == 2 else {}
    flags = more if len(more) == 1 else []
    told = tsuzuki(*start, *(word for pair in given.items() for word in pair), *flags)
    assert told.code == 2
    assert f"holds the shards of another run: {words}\n" in told.err
    assert told.err.endswith("or run the command that began there.\n")


def test_another_file_is_refused_and_another_name_of_it_is_not(
    tsuzuki: Tsuzuki, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score(tsuzuki, file, out)
    score(tsuzuki, file.rename(tmp_path / "moved.tsv"), out)
    (tmp_path / "moved.tsv").write_text("id\tsentence\n1\tx\n", encoding="utf-8")
    assert "moved.tsv holds other rows" in score(tsuzuki, tmp_path / "moved.tsv", out, code=2)


def test_another_revision_of_the_model_is_refused(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.lives = {None: [2, 0, 0, 0]}
    score(tsuzuki, file, tmp_path / "out", code=1)
    engines.revisions = {None: "2"}
    err = score(tsuzuki, file, tmp_path / "out", code=1)
    assert "holds shards of another model: revision is 2, not 1" in err


def test_a_folder_that_is_in_use_is_refused(tsuzuki: Tsuzuki, file: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    with FileLock(out / ".lock"):
        assert score(tsuzuki, file, out, code=1) == f"Another run uses {out}\n"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--shard-rows", "3"], "--shard-rows 3: must be a multiple of 2"),
        (["--workers", "0"], "--workers 0: must be 1 or more"),
        (["--on", "local", "--engine", "ssh a"], "either --on or --engine"),
        (["--on", "ray", "--on", "local"], "--on ray cannot be given with other places"),
    ],
)
def test_wrong_use_is_refused_before_anything_is_written(
    tsuzuki: Tsuzuki, file: Path, tmp_path: Path, more: list[str], words: str
) -> None:
    assert words in score(tsuzuki, file, tmp_path / "out", *more, code=2)
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_one_line_and_the_run_goes_on_later(
    tsuzuki: Tsuzuki,
    engines: ShardEngines,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(path: Path, content: str) -> None:
        if path.suffix == ".jsonl":
            raise OSError(28, "No space left on device")
        path.write_text(content)

    with monkeypatch.context() as patch:
        patch.setattr("tui.files.whole_file.write", full)
        err = score(tsuzuki, file, tmp_path / "out", code=1)
    assert "000000.jsonl cannot be written: " in err and err.count("\n") == 1
    score(tsuzuki, file, tmp_path / "out")


def test_merge_says_what_is_missing(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    engines.lives = {None: [2, 0, 0, 0]}
    score(tsuzuki, file, out, code=1)
    told = tsuzuki("merge", str(out))
    assert (told.code, told.err.split("\n")[0]) == (1, f"{out} lacks 2 of 3 shards")


def test_merge_writes_other_kinds_of_table(tsuzuki: Tsuzuki, file: Path, tmp_path: Path) -> None:
    out, table = tmp_path / "out", tmp_path / "t.csv"
    score(tsuzuki, file, out)
    assert tsuzuki("merge", str(out), "--csv", str(table)).code == 0
    assert table.read_text().startswith("id,sentence,surprisal_bits,")
    assert tsuzuki("merge", str(out), "--json").code == 0
    first, *rest = (out / "result.jsonl").read_text().splitlines()
    assert json.loads(first)["id"] == "0" and len(rest) == 9


def test_merge_refuses_what_is_no_folder_of_shards(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    assert tsuzuki("merge", str(tmp_path)).err.startswith(f"{tmp_path} holds no shards\n")
    (tmp_path / "manifest.json").write_text("{}")
    assert "is not the manifest" in tsuzuki("merge", str(tmp_path)).err


def test_merge_finds_a_shard_that_is_cut_short(
    tsuzuki: Tsuzuki, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score(tsuzuki, file, out)
    shard = out / "shards" / "000001.jsonl"
    shard.write_bytes(shard.read_bytes()[:-9])
    told = tsuzuki("merge", str(out))
    assert told.code == 1 and f"{shard} was changed after it was written" in told.err
    shard.unlink()
    score(tsuzuki, file, out)


def test_frequencies_of_words_go_with_every_shard(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    out, counts, table = tmp_path / "out", tmp_path / "counts.tsv", tmp_path / "plain.tsv"
    counts.write_text("word\tcount\nx\t9\n")
    plain_run = ("surprisal", "--file", str(file), "--unit", "sentence", "--model", "m")
    assert tsuzuki(*plain_run, "--unigrams", str(counts), "--tsv", str(table)).code == 0
    score(tsuzuki, file, out, "--unigrams", str(counts))
    assert (out / "result.tsv").read_bytes() == table.read_bytes()
    assert b"slor" in table.read_bytes()
    # They are named in the manifest, by what they hold.
    counts.write_text("word\tcount\nx\t8\n")
    err = score(tsuzuki, file, out, "--unigrams", str(counts), code=2)
    assert f"unigrams is {counts} (" in err


def test_another_second_model_is_another_run(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    score(tsuzuki, file, out, "--against", "n")
    assert "against_bits" in (out / "result.tsv").read_text().partition("\n")[0]
    err = score(tsuzuki, file, out, "--against", "k", code=2)
    assert "against is k, not n" in err

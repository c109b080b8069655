"""Shards over several engines: who scores what, and what happens when one is lost."""

from __future__ import annotations

from pathlib import Path

from tests.support.shard_engine import ShardEngines
from tests.tui.headless.conftest import Tsuzuki
from tests.tui.headless.shards.test_run import plain, score

A, B = "ssh a", "ssh b"


def test_two_hosts_share_the_shards(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    score(tsuzuki, file, tmp_path / "out", "--on", "ssh:a,ssh:b")
    assert {place for place, _ in engines.answered} == {A, B}
    texts = [text for _, block in engines.answered for text in block]
    assert len(texts) == len(set(texts)) == 10
    # The store and the folders of another machine are its own.
    assert all(each.store is None and each.folders == [] for each in engines.configured)
    assert (tmp_path / "out" / "result.tsv").read_bytes() == plain(tsuzuki, file, tmp_path)


def test_a_lost_hosts_shard_goes_to_another(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.lives = {A: [1]}
    err = score(tsuzuki, file, tmp_path / "out", "--on", "ssh:a,ssh:b")
    assert err == (
        "a: The connection to the engine was lost. Its shard goes to whoever is free; another "
        "try follows.\n"
    )
    blocks = [texts for _, texts in engines.answered]
    assert sum("a x" in texts for texts in blocks) == 2  # the first half of its shard, again
    assert (tmp_path / "out" / "result.tsv").read_bytes() == plain(tsuzuki, file, tmp_path)


def test_the_last_shard_is_not_forgotten_when_its_host_is_lost(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.lives = {A: [0, 0]}
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:5]))  # one shard for two hosts
    score(tsuzuki, file, tmp_path / "out", "--on", "ssh:a", "--on", "ssh:b")
    assert {place for place, _ in engines.answered} == {B}


def test_a_host_that_is_never_reached_is_left_out_at_once(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.absent = frozenset([A])
    err = score(tsuzuki, file, tmp_path / "out", "--on", "ssh:a,local")
    assert err == "a takes no more shards: The connection to the engine was lost.\n"
    assert {place for place, _ in engines.answered} == {None}


def test_when_all_are_gone_the_run_ends_and_goes_on_later(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.lives = {A: [2, -1, -1, -1], B: [1, -1, -1, -1]}
    err = score(tsuzuki, file, tmp_path / "out", "--on", "ssh:a,ssh:b", code=1)
    assert err.splitlines()[-2:] == [
        "1 of 3 shards are stored; the same command goes on from there",
        "The connection to the engine was lost.",
    ]
    score(tsuzuki, file, tmp_path / "out", "--on", "docker exec -i box")
    assert {place for place, _ in engines.answered} == {A, B, "docker exec -i box"}


def test_rows_that_end_every_engine_are_named_and_the_others_scored(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.fatal = "defg x"
    err = score(tsuzuki, file, tmp_path / "out", "--on", "local", "--workers", "2", code=1)
    assert "Rows 5 to 8 ended the engine again and again: " in err
    assert "2 of 3 shards are stored; the same command goes on from there" in err
    engines.fatal = ""
    score(tsuzuki, file, tmp_path / "out")


def test_a_host_with_another_revision_of_the_model_is_left_out(
    tsuzuki: Tsuzuki, engines: ShardEngines, file: Path, tmp_path: Path
) -> None:
    engines.revisions = {B: "2"}
    score(tsuzuki, file, tmp_path / "out", code=0)
    (tmp_path / "out" / "shards" / "000002.jsonl").unlink()
    err = score(tsuzuki, file, tmp_path / "out", "--on", "ssh:b,local")
    assert "b takes no more shards: " in err and "revision is 2, not 1" in err

"""`tsuzuki replay` on the real program: what is the same, and what is not."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from engine.client import Engine
from engine.messages import Configure, Continue, Request, Sampling
from tests.e2e.cli.conftest import Tsuzuki
from tui.cards import ContinueCard
from tui.export import markdown
from tui.history import Session


async def answered(engine: Engine, card: ContinueCard, request: Request | None = None) -> None:
    async for event in engine.request(request or card.request):
        card.fold(event)


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two branches, a fork of the second, and an extension of the fork."""

    async def make() -> list[ContinueCard]:
        log = tmp_path_factory.mktemp("log") / "engine.log"
        engine = await Engine.start(Configure(), log)
        request = Continue(
            model="starter-ja",
            prompt="東京の",
            sampling=Sampling(temperature=1.2, seed=5, repetition_penalty=1.1),
            max_tokens=8,
            branches=2,
        )
        card = ContinueCard(request=request, prompt="東京の")
        await answered(engine, card)
        fork = card.fork(1, 3, [card.branches[1].tokens[3].top[2].id], 6)
        await answered(engine, fork)
        await answered(engine, fork, fork.extend(2))
        await engine.stop()
        return [card, fork]

    cards = asyncio.run(make())
    return markdown.save(tmp_path_factory.mktemp("exports"), Session("s", cards=[*cards]), "json")


def lines(tsuzuki: Tsuzuki, file: Path, code: int) -> list[dict[str, object]]:
    ended = tsuzuki("replay", str(file), "--json")
    assert ended.returncode == code, ended.stderr
    return [json.loads(line) for line in ended.stdout.splitlines()]


def test_a_session_comes_out_the_same(tsuzuki: Tsuzuki, exported: Path) -> None:
    found = lines(tsuzuki, exported, 0)
    assert [each["same"] for each in found] == [True, True]
    assert [each["revision"] == each["revision_now"] for each in found] == [True, True]


def test_what_differs_is_named(tsuzuki: Tsuzuki, exported: Path, tmp_path: Path) -> None:
    document = msgspec.json.decode(exported.read_bytes())
    token = document["cards"][1]["branches"][0]["tokens"][5]
    token["id"], token["text"] = token["id"] + 1, "?"
    changed = tmp_path / "changed.json"
    changed.write_bytes(msgspec.json.encode(document))
    first, second = lines(tsuzuki, changed, 1)
    assert first["same"]
    assert (second["same"], second["branch"], second["token"], second["was"]) == (False, 0, 5, "?")


def test_a_file_that_is_no_session_is_refused(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text("{}")
    ended = tsuzuki("replay", str(file))
    assert (ended.returncode, ended.stdout) == (2, b"")
    assert b"exported as JSON" in ended.stderr

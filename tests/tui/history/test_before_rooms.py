"""A session file of an earlier version still opens, and nothing of it is lost.

The code of commit 877a773 wrote `before_rooms.sqlite3`: cards of every kind, a fork of a fork,
each field with a value that is not its default, each kind of witness, drafts and choices. It then
read its file back, into `before_rooms.json`. A field that is renamed or dropped fails here; later
versions may have more fields.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tui.cards import PANES, Card, ContinueCard
from tui.history import History

HERE = Path(__file__).parent
BEFORE: dict[str, Any] = json.loads((HERE / "before_rooms.json").read_text(encoding="utf-8"))


@pytest.fixture
def problems() -> list[str]:
    return []


@pytest.fixture
async def history(tmp_path: Path, problems: list[str]) -> History:
    path = tmp_path / "history.sqlite3"
    shutil.copyfile(HERE / "before_rooms.sqlite3", path)
    opened = History(path, problems.append)
    await opened.open()
    return opened


def lost(before: object, now: object, at: str = "") -> list[str]:
    """Where a value of the earlier version is missing, or another."""
    if isinstance(before, dict) and isinstance(now, dict):
        return [
            each
            for key, value in before.items()
            for each in lost(value, now.get(key, "missing"), f"{at}.{key}")
        ]
    if isinstance(before, list) and isinstance(now, list) and len(before) == len(now):
        pairs = zip(before, now, strict=True)
        return [each for n, pair in enumerate(pairs) for each in lost(*pair, f"{at}[{n}]")]
    return [] if before == now else [f"{at}: {before!r} is {now!r}"]


def builtins(value: object) -> Any:
    return json.loads(msgspec.json.encode(value))


async def test_a_session_of_an_earlier_version_is_read_whole(
    history: History, problems: list[str]
) -> None:
    found = await history.resume()
    assert found is not None
    assert not found.unreadable
    assert {type(card) for card in found.cards} == set(Card.__args__)
    assert lost(BEFORE["cards"], builtins(found.cards)) == []
    assert lost(BEFORE["drafts"], builtins(found.drafts)) == []
    assert history.chosen == BEFORE["choices"]
    assert [session.name for session in await history.sessions()] == BEFORE["sessions"]
    assert {pane: await history.prompts(pane) for pane in PANES} == BEFORE["prompts"]
    await history.close()
    assert not problems


async def test_an_earlier_card_goes_on_growing(history: History, problems: list[str]) -> None:
    found = await history.resume()
    assert found is not None
    card = next(card for card in found.cards if isinstance(card, ContinueCard) and card.origin)
    card.branches[0].tokens.append(card.branches[0].tokens[-1])
    history.save_card(card)
    again = await history.read(found.id)
    assert again is not None
    assert card in again.cards
    await history.close()
    assert not problems

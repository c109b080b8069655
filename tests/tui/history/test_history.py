"""Sessions are saved as they happen, and come back whatever happened meanwhile."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.sample_cards import filled, finished, running, scored, token
from tui.cards import Card, ContinueCard
from tui.cards.drafts import Draft
from tui.history import History, schema
from tui.history.holders import process


@asynccontextmanager
async def opened(path: Path, problems: list[str] | None = None) -> AsyncIterator[History]:
    heard = [] if problems is None else problems
    history = History(path, heard.append)
    await history.open()
    try:
        yield history
    finally:
        await history.close()
    if problems is None:
        assert not heard


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.sqlite3"


async def test_everything_is_there_at_the_next_start(path: Path) -> None:
    cards: list[Card] = [finished(branches=2), filled(), scored()]
    draft = Draft(model="starter-ja", text="続き", max_tokens=9)
    async with opened(path) as history:
        for card in cards:
            history.save_card(card)
        history.save_draft("continue", draft)
        session = history.session
    assert path.parent.stat().st_mode & 0o777 == 0o700
    async with opened(path) as history:
        found = await history.resume()
        assert found is not None
        assert history.session == found.id == session
        assert sorted(found.cards, key=lambda c: c.created) == cards
        assert found.drafts == {"continue": draft}
        assert not found.unreadable


async def test_nothing_saved_is_no_session(path: Path) -> None:
    async with opened(path) as history:
        assert await history.resume() is None
        assert await history.sessions() == []


async def test_a_growing_card_writes_each_token_once(path: Path) -> None:
    card = running(branches=2)
    async with opened(path) as history:
        for number in range(6):
            card.fold(token(number, branch=number % 2))
            history.save_card(card)
            await history.sessions()  # which waits until that is written
        found = await history.read(history.session)
        assert found is not None
        assert found.cards == [card]
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT branch, start FROM chunks ORDER BY branch, start")
        assert rows.fetchall() == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


async def test_a_card_run_again_forgets_its_old_tokens(path: Path) -> None:
    card = finished(tokens=5)
    async with opened(path) as history:
        history.save_card(card)
        card.branches[0].tokens = card.branches[0].tokens[:2]
        history.save_card(card)
        found = await history.read(history.session)
        assert found is not None
        assert found.cards == [card]


async def test_a_reopened_card_goes_on_growing(path: Path) -> None:
    card = finished(tokens=3)
    async with opened(path) as history:
        history.save_card(card)
    async with opened(path) as history:
        found = await history.resume()
        assert found is not None
        again = found.cards[0]
        assert isinstance(again, ContinueCard)
        again.branches[0].tokens.append(token(3))
        history.save_card(again)
    async with opened(path) as history:
        last = await history.resume()
        assert last is not None
        assert last.cards == [again]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.support.sample_cards import running, token
from tui.cards.drafts import Draft
from tui.history import History

async def main():
    history = History(Path(sys.argv[1]), print)
    await history.open()
    card = running(tokens=4)
    history.save_draft("fill", Draft(model="m", text="half a thought"))
    history.save_card(card)
    card.fold(token(4))
    history.save_card(card)
    await history.sessions()
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


def run(code: str, path: Path, times: int = 1) -> list[tuple[int, bytes]]:
    """Run this in so many processes at once; their exit codes and what they printed."""
    argv = [sys.executable, "-c", code, str(path)]
    root = Path(__file__).parents[3]
    children = [subprocess.Popen(argv, cwd=root, stdout=subprocess.PIPE) for _ in range(times)]
    outputs = [child.communicate()[0] for child in children]
    return [(child.returncode, out) for child, out in zip(children, outputs, strict=True)]


async def test_a_killed_app_leaves_a_partial_answer_and_its_draft(path: Path) -> None:
    assert run(KILLED, path) == [(-9, b"")]
    async with opened(path) as history:
        found = await history.resume()
        assert found is not None
        (card,) = found.cards
        assert card.status == "interrupted"
        assert card.answer == "語0語1語2語3語4"
        assert found.drafts["fill"].text == "half a thought"
        # Its partial answer can be found by searching.
        assert len(await history.sessions("語2語3")) == 1


async def test_the_other_running_apps_cards_stay_running(path: Path) -> None:
    async with opened(path) as one, opened(path) as other:
        # Both are this very process, so each looks alive to the other.
        card = running(tokens=1)
        one.save_card(card)
        assert len(await one.sessions()) == 1
        async with opened(path) as third:
            found = await third.read(one.session)
            assert found is not None
            assert found.cards[0].status == "running"
        other.save_card(filled())
        assert len(await other.sessions()) == 2


async def test_two_processes_write_at_once(path: Path) -> None:
    code = KILLED.replace("os.kill(os.getpid(), signal.SIGKILL)", "await history.close()").replace(
        "card = running(tokens=4)",
        "[history.save_card(running(tokens=2)) for _ in range(50)]; card = running(tokens=4)",
    )
    assert run(code, path, times=2) == [(0, b"")] * 2
    async with opened(path) as history:
        assert [s.cards for s in await history.sessions()] == [51, 51]


async def test_a_session_in_use_elsewhere_is_not_resumed(path: Path) -> None:
    async with opened(path) as history:
        history.save_card(filled())
        session = history.session
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE sessions SET holder = ?", (process(1),))
    async with opened(path) as history:
        assert await history.resume() is None
        (summary,) = await history.sessions()
        assert summary.held
        assert summary.id == session


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("baseball", 1),
        ("BASEBALL", 1),
        ("ｂａｓｅｂａｌｌ", 1),
        ("羽田空港", 1),
        ("語1", 1),
        ("続き", 1),
        ("空港 羽田", 0),
        ("100%", 0),
        ("_", 0),
        ("'; DROP TABLE cards; --", 0),
        ("", 3),
    ],
)
async def test_search(path: Path, query: str, count: int) -> None:
    async with opened(path) as history:
        history.save_card(finished())
        history.start()
        history.save_card(scored())
        history.start()
        history.save_draft("continue", Draft(model="m", text="この続き"))
        assert len(await history.sessions(query)) == count


async def test_rename_delete_undo(path: Path) -> None:
    async with opened(path) as history:
        history.save_card(finished())
        first = history.session
        history.start()
        history.save_card(filled())
        history.rename(first, "朝の実験")
        assert [s.name for s in await history.sessions("朝の")] == ["朝の実験"]
        history.delete(first)
        assert [s.id for s in await history.sessions()] == [history.session]
        history.restore(first)
        assert len(await history.sessions()) == 2
        history.delete(first)
    async with opened(path) as history:
        assert await history.read(first) is None
        assert len(await history.sessions()) == 1


async def test_a_deleted_card_comes_back_until_the_app_ends(path: Path) -> None:
    one, two = finished(), filled()
    async with opened(path) as history:
        history.save_card(one)
        history.save_card(two)
        session = history.session
        for card in (one, two):
            history.delete_card(card.id)
        history.restore_card(one.id)
        found = await history.read(session)
        assert found is not None
        assert found.cards == [one]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM cards").fetchone() == (1,)


async def test_prompts_and_choices(path: Path) -> None:
    async with opened(path) as history:
        for created, prompt in enumerate(("one", "two", "one")):
            card = finished(prompt)
            card.created = float(created)
            history.save_card(card)
        history.save_card(filled())
        assert await history.prompts("continue") == ["one", "two"]
        history.choose("theme", "light")
        history.choose("theme", "dark")
        assert history.chosen == {"theme": "dark"}


async def test_what_this_version_cannot_read_stays_and_is_counted(path: Path) -> None:
    async with opened(path) as history:
        history.save_card(finished())
        history.save_card(filled())
        session = history.session
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE cards SET data = x'c1' WHERE pane = 'fill'")
    async with opened(path) as history:
        found = await history.read(session)
        assert found is not None
        assert len(found.cards) == found.unreadable == 1


async def test_a_session_from_before_there_were_forms_is_opened(path: Path) -> None:
    cards: list[Card] = [finished(), filled(), scored()]
    async with opened(path) as history:
        for card in cards:
            history.save_card(card)
        history.save_draft("continue", Draft(model="starter-ja", text="続き"))
        session = history.session
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, key in (("cards", "id"), ("drafts", "pane")):
            for name, data in connection.execute(f"SELECT {key}, data FROM {table}").fetchall():
                older = msgspec.msgpack.encode(without_forms(msgspec.msgpack.decode(data)))
                connection.execute(f"UPDATE {table} SET data = ? WHERE {key} = ?", (older, name))
    async with opened(path) as history:
        found = await history.read(session)
        assert found is not None
        assert not found.unreadable
        assert [card.answer for card in found.cards] == [card.answer for card in cards]
        assert [card.precision for card in found.cards] == [""] * 3
        assert {card.request.precision for card in found.cards} == {"exact"}
        assert found.drafts["continue"].precision == "exact"


def without_forms(value: object) -> object:
    """What an older version wrote in place of this: the same without a word of precision."""
    if isinstance(value, dict):
        return {name: without_forms(each) for name, each in value.items() if name != "precision"}
    return value


def garbage(path: Path) -> bytes:
    path.write_bytes(b"this is no database" * 100)
    return path.read_bytes()


def torn(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[4096 : 3 * 4096] = b"\xff" * (2 * 4096)
    path.write_bytes(content)
    return path.read_bytes()


@pytest.mark.parametrize(("damage", "left"), [(garbage, 0), (torn, 1)])
async def test_a_damaged_file_is_moved_aside_and_what_can_be_read_of_it_is_kept(
    path: Path, damage: Callable[[Path], bytes], left: int
) -> None:
    cards = [finished(f"prompt {number}", tokens=5) for number in range(30)]
    async with opened(path) as history:
        for card in cards:
            history.save_card(card)
    broken = damage(path)
    problems: list[str] = []
    async with opened(path, problems) as history:
        sessions = await history.sessions()
        assert len(sessions) == left
        for session in sessions:
            found = await history.read(session.id)
            assert found is not None
            assert found.cards == cards
        history.save_card(filled())
        assert len(await history.sessions()) == left + 1
    (message,) = problems
    (aside,) = path.parent.glob("*.broken-*")
    assert str(aside) in message
    assert aside.read_bytes() == broken
    async with opened(path) as history:
        assert len(await history.sessions()) == left + 1


async def test_without_a_place_to_write_sessions_live_in_memory_until_there_is_one(
    tmp_path: Path,
) -> None:
    (tmp_path / "file").write_text("")
    path = tmp_path / "file" / "history.sqlite3"
    problems: list[str] = []
    async with opened(path, problems) as history:
        history.save_card(filled())
        assert len(await history.sessions()) == 1
        assert history.unsaved
        (tmp_path / "file").unlink()
        await saved(history)
    assert problems == [problems[0], "Saved. Nothing is missing."]
    assert problems[0].startswith("Not saved yet")
    async with opened(path) as history:
        assert len(await history.sessions()) == 1


async def saved(history: History) -> None:
    """Wait until all is saved that was not; fails after half a minute."""
    for _ in range(3000):
        await asyncio.sleep(0.01)
        if not history.unsaved:
            return
    raise AssertionError(history.unsaved)


async def test_a_file_of_a_later_version_is_left_alone(path: Path) -> None:
    async with opened(path) as history:
        history.save_card(filled())
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE cards ADD COLUMN stars INTEGER")
        connection.execute("PRAGMA user_version = 99")
    problems: list[str] = []
    async with opened(path, problems) as history:
        assert await history.sessions() == []
    assert "later version" in problems[0]
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT count(*) FROM cards").fetchone() == (1,)


async def test_migrations_run_once_each(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(path) as history:
        history.save_card(filled())
    later = (*schema.MIGRATIONS, "ALTER TABLE cards ADD COLUMN stars INTEGER DEFAULT 3")
    monkeypatch.setattr(schema, "MIGRATIONS", later)
    for _ in range(2):
        async with opened(path) as history:
            assert len(await history.sessions()) == 1
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT stars FROM cards").fetchall() == [(3,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(later),)


async def limit_pages(history: History, pages: int) -> None:
    """Leave the file no room for more pages: as good as a full disk."""
    await history._do(lambda database: database._rows(f"PRAGMA max_page_count = {pages}"))


async def test_nothing_is_lost_while_the_disk_is_full(path: Path) -> None:
    problems: list[str] = []
    card, draft = running(), Draft(model="m", text="half a thought")
    async with opened(path, problems) as history:
        await history.sessions()
        await limit_pages(history, 1)
        for number in range(200):
            card.fold(token(number, text=f"{number} " * 20))
            history.save_card(card)
            await asyncio.sleep(0)
        history.save_draft("fill", draft)
        gone = filled("gone [MASK]")
        history.save_card(gone)
        history.delete_card(gone.id)
        await history.sessions()
        assert len(problems) == 1
        assert "is full" in history.unsaved
        await limit_pages(history, 1_000_000)
        await saved(history)
        session = history.session
    assert problems[1:] == ["Saved. Nothing is missing."]
    card.interrupt()
    async with opened(path) as history:
        found = await history.read(session)
        assert found is not None
        assert found.cards == [card]
        assert found.drafts == {"fill": draft}


async def test_what_could_not_be_saved_until_the_end_is_told(path: Path) -> None:
    problems: list[str] = []
    async with opened(path, problems) as history:
        await history.sessions()
        await limit_pages(history, 1)
        for _ in range(20):
            history.save_card(finished("x" * 5000))
    assert "is full" in history.unsaved


async def test_a_locked_file_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "PATIENCE_S", 0.05)
    problems: list[str] = []
    card = running(tokens=3)
    async with opened(path, problems) as history:
        await history.sessions()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            history.save_card(card)
            await history.sessions()
            assert "locked" in history.unsaved
            card.fold(token(3))
            history.save_card(card)
        await saved(history)
        found = await history.read(history.session)
        assert found is not None
        assert found.cards == [card]


def removed(path: Path) -> None:
    for file in path.parent.glob(f"{path.name}*"):
        file.unlink()


def overwritten(path: Path) -> None:
    path.with_name(f"{path.name}-wal").unlink(missing_ok=True)
    path.write_bytes(b"\xff" * 8192)


@pytest.mark.parametrize("damage", [removed, overwritten])
async def test_a_session_whose_file_is_lost_is_written_again(
    path: Path, damage: Callable[[Path], None]
) -> None:
    one, gone, growing = finished("one"), filled("gone [MASK]"), running(tokens=2)
    draft = Draft(model="m", text="half a thought")
    async with opened(path, []) as history:
        for card in (one, gone, growing):
            history.save_card(card)
        history.save_draft("fill", draft)
        history.delete_card(gone.id)
        await history.sessions()
        damage(path)
        growing.fold(token(2))
        history.save_card(growing)
        await history.sessions()
    async with opened(path, []) as history:
        found = await history.resume()
        assert found is not None
        assert [card.answer for card in found.cards] == [one.answer, growing.answer]
        assert found.drafts == {"fill": draft}


async def test_a_session_whose_file_is_removed_after_its_last_write_is_there_at_the_next_start(
    path: Path,
) -> None:
    card, draft = finished(), Draft(model="m", text="half a thought")
    async with opened(path, []) as history:
        history.save_card(card)
        history.save_draft("fill", draft)
        await history.sessions()
        removed(path)
    async with opened(path, []) as history:
        found = await history.resume()
        assert found is not None
        assert (found.cards, found.drafts) == ([card], {"fill": draft})


async def test_what_is_written_before_the_file_is_open_goes_into_the_session_resumed(
    path: Path,
) -> None:
    async with opened(path) as history:
        history.save_card(finished("earlier"))
        session = history.session
    history = History(path, print)
    history.save_card(filled())
    history.save_draft("continue", Draft(model="m", text="too early"))
    await history.open(resume=True)
    assert history.session == session
    await history.close()
    async with opened(path) as history:
        (summary,) = await history.sessions()
        found = await history.read(summary.id)
        assert found is not None
        assert len(found.cards) == 2
        assert not found.drafts  # for whoever resumes says what the draft is now


TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@settings(max_examples=25)
@given(st.lists(st.tuples(TEXTS, st.lists(TEXTS, max_size=6)), max_size=4), TEXTS)
def test_any_text_comes_back(written: list[tuple[str, list[str]]], draft: str) -> None:
    async def check(path: Path) -> None:
        cards = [running(prompt) for prompt, _ in written]
        async with opened(path) as history:
            for card, (_, texts) in zip(cards, written, strict=True):
                for number, text in enumerate(texts):
                    card.fold(token(number, text=text))
                    history.save_card(card)
                    if number % 2:  # two tokens at a time get into the file
                        await history.sessions()
                card.status = "done"
                history.save_card(card)
            history.save_draft("continue", Draft(model="m", text=draft))
            session = history.session
        async with opened(path) as history:
            found = await history.read(session)
            assert found is not None
            assert sorted(found.cards, key=lambda card: card.created) == cards
            assert found.drafts["continue"].text == draft

    with TemporaryDirectory() as folder:
        asyncio.run(check(Path(folder) / "history.sqlite3"))


async def test_half_a_surrogate_pair_costs_nothing_else(path: Path) -> None:
    async with opened(path) as history:
        history.save_draft("continue", Draft(model="m\udcff", text="caf\udce9 au lait"))
        history.save_card(finished("caf\udce9"))
        history.rename(history.session, "\udce9")
        found = await history.read(history.session)
        assert found is not None
        assert found.drafts["continue"].text == "caf? au lait"
        assert found.cards[0].wrote == "caf?"


async def test_a_wrong_byte_in_a_text_costs_one_character(path: Path) -> None:
    async with opened(path) as history:
        history.save_card(finished("羽田空港に到着、"))
        history.save_draft("continue", Draft(model="m", text="羽田"))
        session = history.session
    with closing(sqlite3.connect(path)) as connection, connection:
        for table in ("cards", "drafts"):
            for rowid, data in connection.execute(f"SELECT session, data FROM {table}").fetchall():
                wrong = data.replace("羽".encode(), "羽".encode()[:2] + b"\xff")
                connection.execute(f"UPDATE {table} SET data = ? WHERE session = ?", (wrong, rowid))
        connection.execute("UPDATE cards SET prompt = CAST(x'ff41' AS TEXT)")
    async with opened(path) as history:
        found = await history.read(session)
        assert found is not None
        assert not found.unreadable
        assert found.cards[0].wrote == "???田空港に到着、"
        assert found.drafts["continue"].text == "???田"
        assert await history.prompts("continue") == ["\N{REPLACEMENT CHARACTER}A"]


async def test_a_damaged_chunk_leaves_the_text_after_it(path: Path) -> None:
    card = running()
    async with opened(path) as history:
        for number in range(5):
            card.fold(token(number))
            history.save_card(card)
            await history.sessions()
        session = history.session
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE chunks SET data = x'c1' WHERE start = 2")
    for _ in range(2):  # the first start saves the card as interrupted
        async with opened(path) as history:
            found = await history.reopen(session)
            assert found is not None
            (again,) = found.cards
            assert isinstance(again, ContinueCard)
            assert again.answer == "語0語1\N{REPLACEMENT CHARACTER}語3語4"
            assert len(again.branches[0].tokens) == 2
            again.bookmarked = True
            history.save_card(again)


async def test_the_file_is_its_owners_alone_in_a_folder_that_is_everybodys(path: Path) -> None:
    path.parent.mkdir(mode=0o755)
    os.close(os.open(path, os.O_CREAT, 0o644))
    async with opened(path) as history:
        history.save_card(filled())
        await history.sessions()
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    assert set(modes.values()) == {0o600}

"""A suite as a screen, by its keys, over an engine whose figures the words themselves give."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.messages import Continue
from tests.support.fake_engine import make, pane, running
from tests.support.screen_host import seen, until
from tests.support.suite_engine import SuiteEngine
from tests.tui.suites.test_reading import condition, suite
from tui.app import TsuzukiApp
from tui.cards import ContinueCard
from tui.config.settings import Settings
from tui.files.completing import completed
from tui.screens.suite import SuiteScreen


def item(number: int, a: str, b: str) -> dict[str, object]:
    conditions = [condition("a", "One", a, "."), condition("b", "One", b, ".")]
    return {"item_number": number, "conditions": conditions}


ITEMS = (item(3, "is", "are"), item(1, "was", "am"), item(2, "so", "to"))
NAMES = {"1": "intro", "2": "verb", "3": "end"}


def written(tmp_path: Path, content: str = "", name: str = "file.json") -> str:
    path = tmp_path / name
    path.write_text(content or suite(*ITEMS, region_meta=NAMES), encoding="utf-8")
    return str(path)


def app(tmp_path: Path, engine: SuiteEngine, **values: object) -> TsuzukiApp:
    settings = Settings(export_folder=str(tmp_path / "out"), **values)  # type: ignore[arg-type]
    return make(tmp_path, engine, settings)


@asynccontextmanager
async def opened(
    app: TsuzukiApp, file: str, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    async with running(app, size) as pilot:
        await ask(app, pilot, file)
        await until(pilot, lambda: isinstance(app.screen, SuiteScreen))
        yield pilot


async def ask(app: TsuzukiApp, pilot: Pilot[None], file: str) -> None:
    pane(app).action_suite()
    await until(pilot, lambda: not app.at_panes)
    await pilot.press("ctrl+u")
    app.screen.query_one("Input").value = file  # type: ignore[attr-defined]
    await pilot.press("enter")


async def test_items_regions_and_verdicts_are_seen(tmp_path: Path) -> None:
    here = app(tmp_path, SuiteEngine())
    async with opened(here, written(tmp_path)) as pilot:
        await until(pilot, lambda: "● true  1 of 3" in seen(here) and seen(here).count("○") == 2)
        rows = seen(here).splitlines()
        assert rows[0] == " s: item 3, 3 items, starter-ja"
        assert all(head in rows[1] for head in ("item", "holds", "1 intro", "2 verb", "3 end"))
        assert [row[:9].split() for row in rows[2:5]] == [["3", "●"], ["1", "○"], ["2", "○"]]
        assert rows[2].split("│")[1].split() == ["a", "One", "is", "."]
        assert [
            part for part in rows[3].split("│")[1].split() if not set(part) & set("█▉▊▋▌▍▎▏")
        ] == ["=", "6.00", "3.00", "2.00", "1.00"]
        assert "1  ● true  1 of 3, 33.3% (6.1% to 79.2%)  (2;%a%) < (2;%b%)" in seen(here)
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "item 1, 3 items" in seen(here) and "○ false" in seen(here))
        await pilot.press("m")
        await until(pilot, lambda: "means of 3 items" in seen(here))
        assert "2.33" in seen(here) and "fails in item 1, 2" in seen(here)


async def test_regions_for_which_there_is_no_room_come_by_keys(tmp_path: Path) -> None:
    words = [f"word{n:05}" for n in range(9)]
    rows = [condition("a", *words), condition("b", *reversed(words))]
    file = written(tmp_path, suite({"item_number": 1, "conditions": rows}))
    here = app(tmp_path, SuiteEngine(), ascii=True)
    async with opened(here, file) as pilot:
        await until(pilot, lambda: "regions 1-4 of 9" in seen(here))
        assert seen(here).isascii()
        await pilot.press("right", "right", "right", "right")
        await until(pilot, lambda: "regions 5-8 of 9" in seen(here))
        assert "word00004" in seen(here) and "word00007" in seen(here)
        await pilot.press("right", "right", "right", "right", "right", "left")
        await until(pilot, lambda: "regions 8-9 of 9" in seen(here))


async def test_the_saved_table_is_that_of_the_command(tmp_path: Path) -> None:
    here = app(tmp_path, SuiteEngine())
    async with opened(here, written(tmp_path)) as pilot:
        await until(pilot, lambda: "true" in seen(here))
        await pilot.press("s", "S")
        await until(pilot, lambda: (tmp_path / "out" / "s.starter-ja.tsv").exists())
    table = (tmp_path / "out" / "s.starter-ja.csv").read_text()
    assert table.splitlines()[:3] == [
        "suite,item,condition,region,name,content,surprisal_bits",
        "s,3,a,1,intro,One,3.0",
        "s,3,a,2,verb,is,2.0",
    ]
    document = json.loads((tmp_path / "out" / "s.starter-ja.json").read_text())
    assert [each["item"] for each in document["items"]] == [3, 1, 2]
    about = json.loads((tmp_path / "out" / "s.starter-ja.csv.json").read_text())
    assert (about["command"], about["unit"], about["start"]) == ("suite", "region", "<s>")
    assert document["accuracy"] == [pytest.approx(1 / 3)]


async def test_escape_stops_and_what_is_scored_is_kept(tmp_path: Path) -> None:
    engine = SuiteEngine()
    engine.room = 3  # an item, and half of the next
    here = app(tmp_path, engine)
    file = written(tmp_path)
    async with opened(here, file) as pilot:
        await until(pilot, lambda: "Scored: 1/3. Esc stops" in seen(here))
        await pilot.press("escape")
        await until(pilot, lambda: "Scored: 1/3. r goes on" in seen(here))
        assert "● true  1 of 1" in seen(here) and not here.shared.running
        engine.room = None
        await pilot.press("r")
        await until(pilot, lambda: "1 of 3" in seen(here))
        assert [len(asked.texts) for asked in engine.scores()] == [6, 4]
        await pilot.press("escape")
        await until(pilot, lambda: here.at_panes)
        await ask(here, pilot, file)
        await until(pilot, lambda: "1 of 3" in seen(here))
        assert len(engine.scores()) == 2


async def test_an_item_opens_as_cards_and_the_suite_where_it_was(tmp_path: Path) -> None:
    engine = SuiteEngine()
    here = app(tmp_path, engine)
    async with opened(here, written(tmp_path)) as pilot:
        await until(pilot, lambda: "true" in seen(here))
        await pilot.press("down", "enter")
        await until(pilot, lambda: here.at_panes)
        cards = pane(here).transcript.cards
        assert [card.name for card in cards if isinstance(card, ContinueCard)] == ["1 a", "1 b"]
        asked = [body for body in engine.asked if isinstance(body, Continue)]
        assert [(body.begin, body.max_tokens) for body in asked] == [
            ("One was.", 0),
            ("One am.", 0),
        ]
        await ask(here, pilot, written(tmp_path))
        await until(pilot, lambda: "item 1, 3 items" in seen(here))


async def test_a_file_without_a_suite_is_named_in_one_line(tmp_path: Path) -> None:
    here = app(tmp_path, SuiteEngine())
    broken = written(tmp_path, "{", "broken.json")
    async with running(here) as pilot:
        await ask(here, pilot, broken)
        # A notice may be longer than a line of the pane.
        told = f"{broken}: line 1: no JSON is written like this".replace(" ", "")
        await until(pilot, lambda: told in "".join(seen(here).split()).replace("│", ""))
        await ask(here, pilot, "nowhere.json")
        await until(pilot, lambda: "nowhere.json cannot be read: No such file" in seen(here))


async def test_what_is_wrong_with_an_item_is_said_and_the_rest_is_scored(tmp_path: Path) -> None:
    here = app(tmp_path, SuiteEngine())
    items = (*ITEMS, item(4, "bad", "is"), {"item_number": 5, "conditions": []})
    async with opened(here, written(tmp_path, suite(*items))) as pilot:
        await until(pilot, lambda: "item 5: it has no conditions" in seen(here))
        await until(pilot, lambda: "1 of 3" in seen(here))
        await pilot.press("m")
        await until(pilot, lambda: "item 4: It cannot be read." in seen(here))


async def test_a_masked_model_is_refused_for_regions(tmp_path: Path) -> None:
    engine = SuiteEngine()
    here = app(tmp_path, engine)
    async with running(here, (200, 50)) as pilot:
        await pilot.press("f3")
        await ask(here, pilot, written(tmp_path))
        await until(pilot, lambda: "starter-en reads both sides of a word" in seen(here))
        assert not engine.scores()


async def test_reading_a_file_that_is_a_suite_opens_it(tmp_path: Path) -> None:
    here = app(tmp_path, SuiteEngine())
    async with running(here) as pilot:
        pane(here).action_read_file()
        await until(pilot, lambda: not here.at_panes)
        here.screen.query_one("Input").value = written(tmp_path)  # type: ignore[attr-defined]
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(here.screen, SuiteScreen))


def test_the_name_of_a_file_is_completed(tmp_path: Path) -> None:
    (tmp_path / "suites").mkdir()
    (tmp_path / "suite.json").touch()
    assert completed(f"{tmp_path}/sui") == f"{tmp_path}/suite.json"
    assert completed(f"{tmp_path}/suites") == f"{tmp_path}/suites/"
    assert [completed(f"{tmp_path}/{end}") for end in ("", "x", "suite.json/a", "no/a")] == [
        None
    ] * 4
    assert completed("a\0b/c") is None

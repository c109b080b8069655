"""What belongs to the app as a whole: panes, palette, themes, screens, keys."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sqlite3
from contextlib import closing
from importlib import resources
from pathlib import Path

import pytest
from textual.command import CommandPalette
from textual.events import Resize
from textual.geometry import Region, Size
from textual.screen import Screen

from engine.messages import Cores, Ping, Pull, Ready
from tests.support.fake_engine import MODELS, TaskEngine, answered, make, pane, running, token
from tests.support.screen_host import model, seen, until
from tests.support.streaming import streaming
from tui.cards.drafts import Draft
from tui.config.settings import PaneModels, Settings, load
from tui.connection.link import Backend, OnEvent, OnState
from tui.widgets.hints import Hints


async def test_keys_switch_and_cycle_the_panes(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        for key, name in (("f3", "fill"), ("f4", "score"), ("f2", "continue")):
            await pilot.press(key)
            assert app.row.role == name
            assert app.focused in pane(app).composers
        for name in ("fill", "score", "continue"):
            await pilot.press("ctrl+t")
            assert app.row.role == name


async def test_tabs_and_the_line_of_keys_take_clicks(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        assert app.focused is not None
        tabs = seen(app).splitlines()[0]
        assert await pilot.click(app.header, offset=(tabs.index("Score"), 0))
        await until(pilot, lambda: app.row.role == "score")
        assert app.focused in pane(app).composers
        assert await pilot.click(app.header, offset=(len(tabs.rstrip()) - 1, 0))  # no tab there
        assert app.row.role == "score"
        helps = seen(app).splitlines()[-1].index("Help")
        assert await pilot.click(app.hints, offset=(helps, 0))
        await until(pilot, lambda: "Help: Writing two sentences" in seen(app))
        closes = seen(app).splitlines()[-1].index("Close")
        assert await pilot.click(app.screen.query_one(Hints), offset=(closes, 0))
        await until(pilot, lambda: app.at_panes)


async def test_the_header_says_while_the_machine_is_busy(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        assert "cores busy" not in seen(app)
        engine.broadcast(Cores(threads=1, busy=True))
        await until(pilot, lambda: "cores busy" in seen(app).splitlines()[0])
        engine.broadcast(Cores(threads=2))
        await until(pilot, lambda: "cores busy" not in seen(app))


async def test_the_header_says_where_an_engine_on_another_machine_is(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(engine="ssh gpu-box"))
    async with running(app) as pilot:
        engine.broadcast(Ready(protocol=1, pid=7, memory_budget=1, threads=1, host="gpu\x1b-box"))
        engine.become("ready")
        where = re.compile(r"gpu.-box \d+ ms")
        await until(pilot, lambda: where.search(seen(app).splitlines()[0]) is not None)
        assert Ping() in engine.asked


async def test_another_machine_is_chosen_and_left_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, here = TaskEngine(), TaskEngine()
    started: list[str | None] = []

    async def start(own: Settings, on_event: OnEvent, on_state: OnState) -> Backend:
        started.append(own.engine)
        return await (here if own.engine is None else far).connect(on_event, on_state)

    monkeypatch.setattr("tui.app._start", start)
    monkeypatch.setattr("tui.files.ssh_hosts.hosts", lambda: ["box", "gpu-box"])
    app = make(tmp_path, here, Settings(engine="docker exec -i box"))
    async with running(app) as pilot:
        await pilot.press(*"draft")
        app.action_machine()
        await until(pilot, lambda: "ssh gpu-box" in seen(app) and "This machine" in seen(app))
        assert "docker exec -i box" in seen(app)
        await pilot.press(*"gpu")
        await until(pilot, lambda: "docker exec" not in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: started == ["ssh gpu-box"] and app.link.elsewhere)
        ready = Ready(1, 7, memory_budget=1, threads=1, host="gpu-box", gpus=["NVIDIA H100 80GB"])
        far.broadcast(ready)
        far.become("ready")
        await until(pilot, lambda: re.search(r"gpu-box \d+ ms", seen(app)) is not None)
        assert pane(app).composers[0].text.endswith("draft")
        app.use_machine(None)
        await until(pilot, lambda: "gpu-box" not in seen(app) and bool(app.link.models))
        assert started[-1] is None and not app.link.elsewhere


async def test_the_header_names_gpus_where_there_is_room(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(engine="ssh gpu-box"))
    async with running(app, size=(200, 50)) as pilot:
        gpus = ["NVIDIA H100 80GB HBM3"] * 2
        engine.broadcast(Ready(1, 7, memory_budget=1, threads=1, host="gpu-box", gpus=gpus))
        await until(pilot, lambda: "2x H100 80GB" in seen(app).splitlines()[0])


async def test_a_window_that_was_another_size_meanwhile_is_drawn_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        drawn: list[Size] = []
        refresh = app.screen.refresh

        def refreshed(*regions: Region, **options: bool) -> Screen[object]:
            drawn.append(app.size if not regions else regions[0].size)
            return refresh(*regions, **options)

        monkeypatch.setattr(app.screen, "refresh", refreshed)
        app.post_message(Resize(app.size, app.size))
        await until(pilot, lambda: app.size in drawn)


async def test_ctrl_c_with_nothing_to_stop_names_the_key_that_quits(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("ctrl+c")
        await until(pilot, lambda: "Nothing is running. Ctrl+Q quits." in seen(app))


async def test_a_form_has_a_page_of_help_that_explains_each_field(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        for key, title in (("ctrl+s", "How the model runs"), ("f7", "Choosing a model")):
            await pilot.press(key, "f1")
            await until(pilot, lambda title=title: f"Help: {title}" in seen(app))  # type: ignore[misc]
            assert ("Divides the logits before softmax" in seen(app)) == (key == "ctrl+s")
            await pilot.press("escape", "escape")
            await until(pilot, lambda: app.at_panes)


async def test_the_palette_runs_any_action_where_it_belongs(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"sampling")
        await until(pilot, lambda: "Sampling  (Ctrl+S)" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: "How the model runs" in seen(app))


async def test_the_lesson_is_offered_and_opens_again_where_it_was_left(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await until(pilot, lambda: 'Ctrl+P "Lesson" opens a lesson' in seen(app))
        await pilot.press("ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"lesson")
        await until(pilot, lambda: "Learn in eleven short stops" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Lesson 1 of 11" in seen(app))
        await pilot.press("right", "right")
        await until(pilot, lambda: "Lesson 3 of 11" in seen(app))
        await pilot.press("f1")
        await until(pilot, lambda: "Help: Lesson" in seen(app))
        await pilot.press("l")
        await until(pilot, lambda: "Lesson 3 of 11" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: app.at_panes)
        await pilot.press("f1", "l")
        await until(pilot, lambda: "Lesson 3 of 11" in seen(app))
        await pilot.press("left")
        await until(pilot, lambda: "Lesson 2 of 11" in seen(app))
    again = make(tmp_path)
    async with running(again) as pilot:
        again.action_lesson()
        await until(pilot, lambda: "Lesson 2 of 11" in seen(again))
        assert "3 of 11 seen" in seen(again)


async def test_a_theme_is_tried_on_while_it_is_highlighted(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        assert app.theme == "dark"
        app.action_theme()
        await until(pilot, lambda: "high-contrast" in seen(app))
        await pilot.press("down", *"light")
        await until(pilot, lambda: app.theme == "light")
        await pilot.press("escape")
        await until(pilot, lambda: app.theme == "dark")
        app.action_theme()
        await until(pilot, lambda: "high-contrast" in seen(app))
        await pilot.press("down", *"light")
        await until(pilot, lambda: app.theme == "light")
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        assert app.theme == "light"
        await pilot.pause()
    again = make(tmp_path)
    async with running(again):
        assert again.theme == "light"


async def test_a_theme_s_name_is_no_markup(tmp_path: Path) -> None:
    folder = tmp_path / "config-home" / "themes"
    folder.mkdir(parents=True)
    name = "[red]mine[/red] [/]"
    dark = resources.files("themes").joinpath("dark.yaml").read_text(encoding="utf-8")
    (folder / "mine.yaml").write_text(dark.replace("name: dark", f"name: '{name}'"))
    app = make(tmp_path)
    async with running(app) as pilot:
        app.action_theme()
        await until(pilot, lambda: name in seen(app))
        await pilot.press("down", *"mine")
        await until(pilot, lambda: app.theme == name and name in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))
        assert app.theme == name


async def test_a_broken_theme_is_told_and_skipped(tmp_path: Path) -> None:
    folder = tmp_path / "config-home" / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text("name: mine\ncolors: {primary: nonsense}\n")
    app = make(tmp_path)
    async with running(app) as pilot:
        await until(pilot, lambda: "mine.yaml" in seen(app))
        assert "mine" not in app.available_themes


async def test_keys_can_be_remapped_and_every_hint_follows(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("keymap:\n  pane_fill: f12\n  quit: ctrl+x\n")
    app = make(tmp_path)
    app = type(app)(load(path), TaskEngine().connect, tmp_path / "history.sqlite3")
    async with running(app) as pilot:
        screen = seen(app)
        assert "F12  Fill" in screen
        assert "^X Quit" in screen
        shown = []
        for key in ("f3", "f12"):
            await pilot.press(key)
            shown.append(app.row.role)
        assert shown == ["continue", "fill"]


async def test_side_by_side_needs_room_and_is_toggled_by_a_key(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app, (160, 40)) as pilot:
        assert all(each.display for each in app.panes.values())
        await pilot.press("ctrl+l")
        assert [each.display for each in app.panes.values()] == [True, False, False]
        await pilot.press("ctrl+l")
        await pilot.resize_terminal(100, 30)
        await until(pilot, lambda: not app.panes["fill"].display)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: "needs 160 columns" in seen(app))
        await pilot.resize_terminal(170, 30)
        await until(pilot, lambda: app.panes["fill"].display)
        await pilot.click(app.panes["score"].composers[0])
        assert app.row.role == "score"


@pytest.mark.parametrize(
    ("key", "title"),
    [("f1", "Help"), ("f8", "Models"), ("f9", "Sessions"), ("f10", "Settings")],
)
async def test_screens_open_over_the_panes_and_close(tmp_path: Path, key: str, title: str) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: seen(app).strip().startswith(title))
        await pilot.press("escape")
        await until(pilot, lambda: app.at_panes)
        assert app.focused is pane(app).composers[0]


async def test_a_model_chosen_on_the_models_screen_is_used_and_offered(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        pane(app).picked("smollm2")
        await until(pilot, lambda: "not on this machine" in seen(app))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: Pull("smollm2") in engine.asked)
        await pilot.press("escape")
        await until(pilot, lambda: not app.shared.model_jobs.pulling("smollm2"))
    assert engine.tasks() == []


async def test_the_offer_to_pull_goes_when_a_model_that_is_here_is_chosen(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        pane(app).picked("smollm2")
        await until(pilot, lambda: "not on this machine" in seen(app))
        pane(app).picked("starter-ja")
        await until(pilot, lambda: "not on this machine" not in seen(app))
        assert not pane(app).offers.open


async def test_sessions_can_be_left_and_reopened(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("ctrl+n")
        assert pane(app).transcript.cards == []
        (summary,) = await app.history.sessions()
        await app.session.reopen(summary.id)
        assert len(pane(app).transcript.cards) == 1


async def test_a_new_session_keeps_the_model_and_no_word_of_the_old_one(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        pane(app).use_model("starter-en")
        await until(pilot, lambda: "starter-en" in seen(app).splitlines()[0])
        await pilot.press("ctrl+n")
        await pilot.pause()
        assert "starter-en" in seen(app).splitlines()[0]
        assert "example is written" not in seen(app)
        await pilot.press("f3")
        assert "example is written" in seen(app) and "[MASK] with my friends" in seen(app)


async def test_a_model_named_at_the_start_outranks_the_last_session(tmp_path: Path) -> None:
    async with running(make(tmp_path)) as pilot:
        await pilot.press(*"Once")
    models = PaneModels(continue_="tiny", fill="tiny", score="tiny")
    app = make(tmp_path, settings=Settings(models=models))
    async with running(app):
        assert pane(app).draft.model == "starter-ja"  # the settings are for new drafts
    app = make(tmp_path, settings=Settings(models=models))
    loaded = dataclasses.replace(app.preferences.loaded, model_given=True)
    app.preferences = dataclasses.replace(app.preferences, loaded=loaded)
    async with running(app):
        assert {each.draft.model for each in app.panes.values()} == {"tiny"}
        assert pane(app).edited().text.endswith("Once")


async def test_a_form_named_at_the_start_outranks_the_last_session(tmp_path: Path) -> None:
    async with running(make(tmp_path, settings=Settings(precision="int8"))) as pilot:
        await pilot.press(*"Once")
    app = make(tmp_path, settings=Settings(precision="auto"))
    async with running(app):
        assert pane(app).draft.precision == "int8"
    app = make(tmp_path, settings=Settings(precision="auto"))
    loaded = dataclasses.replace(app.preferences.loaded, precision_given=True)
    app.preferences = dataclasses.replace(app.preferences, loaded=loaded)
    async with running(app):
        assert {each.draft.precision for each in app.panes.values()} == {"auto"}


async def test_prompts_of_other_sessions_are_recalled_too(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        for key in ("f2", "f3", "f4"):
            await pilot.press(key, "enter")
            await answered(pilot, app)
        await pilot.press("ctrl+n")
        await pilot.press("ctrl+q")
    again = make(tmp_path)
    async with running(again) as pilot:
        await pilot.press("ctrl+n", "f2", "up")
        assert pane(again).composers[0].text == "羽田空港に到着、東京の街は"
        await pilot.press("f4", "up")
        a, b = pane(again).composers
        assert (a.text, b.text[:7]) == ("What is baseball ?", "It is a")


async def test_a_session_that_is_left_while_it_runs_keeps_its_text(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        answer.put(token("とても", 1))
        await until(pilot, lambda: "街はとても" in seen(app))
        assert "Esc Stop" in seen(app)
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not pane(app).cards.runs.live)
        assert pane(app).transcript.cards == []
        (summary,) = await app.history.sessions()
        session = await app.history.read(summary.id)
        assert session is not None
        assert [card.answer for card in session.cards] == ["とても"]


async def test_an_engine_that_cannot_start_is_told_and_the_app_goes_on(tmp_path: Path) -> None:
    async def connect(*_: object) -> TaskEngine:
        raise FileNotFoundError(2, "No such file or directory")

    app = make(tmp_path)
    app.link._connect = connect
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.settled)
        await until(pilot, lambda: "cannot be started" in seen(app))
        await pilot.press("enter")
        await answered(pilot, app)
        await until(pilot, lambda: "interrupted" in seen(app))


async def test_no_color_takes_the_theme_without_colour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make(tmp_path, settings=Settings(theme="light"))
    async with running(app):
        assert app.theme == "no-colour"


async def test_loading_shows_how_far_it_is(tmp_path: Path) -> None:
    loading = model("starter-ja", state="on_disk", roles=["continue"])
    engine = TaskEngine([loading, *MODELS[1:]], hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        engine.state("starter-ja", state="loading", percent=40.0)
        await until(pilot, lambda: "loading Starter-Ja 40 %" in seen(app))
        assert "starter-ja loading 40 %" in seen(app)


async def test_what_is_typed_while_a_draft_is_weighed_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine, go_on = TaskEngine(), asyncio.Event()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        weigh = pane(app).offers.hold_back

        async def slowly(draft: Draft) -> bool:
            await go_on.wait()
            return await weigh(draft)

        monkeypatch.setattr(pane(app).offers, "hold_back", slowly)
        sent = pane(app).composers[0].text
        await pilot.press("enter", *"next")
        go_on.set()
        await answered(pilot, app)
        (card,) = pane(app).transcript.cards
        assert card.wrote == sent
        assert pane(app).composers[0].text == "next"


async def test_what_is_done_before_the_session_is_read_is_kept(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"restored")
        await pilot.press("f3", "end", *" too")
    again = make(tmp_path)
    path = tmp_path / "history.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        async with again.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda: bool(again.link.models))
            await pilot.press(*"soon")
            await pilot.press("enter", *"er")
            assert not again.settled
            other.close()
            await until(pilot, lambda: again.settled)
            assert pane(again).composers[0].text == "restoreder"
            assert [card.wrote for card in pane(again).transcript.cards] == [
                "羽田空港に到着、東京の街は",
                "羽田空港に到着、東京の街はsoon",
            ]
            assert "[MASK]" in again.panes["fill"].composers[0].text
            assert again.panes["fill"].composers[0].text.endswith(" too")
    third = make(tmp_path)
    async with running(third) as pilot:
        assert pane(third).composers[0].text == "restoreder"
        assert len(pane(third).transcript.cards) == 2
        assert len(await third.history.sessions()) == 1


async def test_leaving_with_something_unsaved_takes_two_presses(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await app.history._do(lambda file: file._rows("PRAGMA max_page_count = 1"))
        await pilot.press(*"x" * 9)
        pane(app).composers[0].fill("x" * 50_000)
        await until(pilot, lambda: "is full" in seen(app))
        assert "not saved" in seen(app).splitlines()[0]
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "again leaves" in seen(app))
        await app.history._do(lambda file: file._rows("PRAGMA max_page_count = 1000000"))
        await until(pilot, lambda: "Nothing is missing" in seen(app))
        assert "not saved" not in seen(app).splitlines()[0]
        await pilot.press("ctrl+q")
    assert app.return_code == 0


async def test_a_session_begun_before_the_file_is_read_stays_a_new_one(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
    again = make(tmp_path)
    with closing(sqlite3.connect(tmp_path / "history.sqlite3", isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        async with again.run_test(size=(80, 24), notifications=True) as pilot:
            await until(pilot, lambda: bool(again.link.models))
            await pilot.press("ctrl+n", *"new")
            other.close()
            await until(pilot, lambda: again.settled)
            assert pane(again).composers[0].text == "new"
            assert pane(again).transcript.cards == []
            assert len(await again.history.sessions()) == 2


async def test_without_a_place_to_save_from_the_start_one_press_leaves(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = make(tmp_path / "file")
    async with running(app) as pilot:
        await until(pilot, lambda: app.settled)
        assert app.history.unsaved
        await pilot.press("ctrl+q")
        await until(pilot, lambda: not app.is_running)
    assert app.return_code == 0

"""The whole app with its furniture: themes, sessions, models, settings and help, by their keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.messages import Pull
from tests.support import fake_engine
from tests.support.fake_engine import TaskEngine, make, running
from tests.support.screen_host import seen, until
from tui import theming
from tui.app import TsuzukiApp
from tui.config import settings
from tui.screens.help import HelpScreen
from tui.screens.models import ModelsScreen
from tui.screens.sessions import SessionsScreen
from tui.screens.settings import SettingsScreen


def with_file(tmp_path: Path, source: str) -> TsuzukiApp:
    path = tmp_path / "settings.yaml"
    path.write_text(source, encoding="utf-8")
    return TsuzukiApp(settings.load(path), TaskEngine().connect, tmp_path / "history.sqlite3")


async def choose_theme(app: TsuzukiApp, pilot: Pilot[None], name: str) -> None:
    await pilot.press("ctrl+p", *"Theme")
    await until(pilot, lambda: "Change the colours" in seen(app))
    await pilot.press("enter")
    await until(pilot, lambda: "high-contrast" in seen(app))
    await pilot.press(*name)
    await until(pilot, lambda: app.theme == name)  # tried on while it is highlighted
    await pilot.press("enter")


async def test_a_theme_chosen_in_the_app_is_worn_at_the_next_start(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        assert app.theme == theming.DEFAULT
        await choose_theme(app, pilot, "light")
        await until(pilot, lambda: app.at_panes)
        assert app.theme == "light"
    again = make(tmp_path)
    async with running(again):
        assert again.theme == "light"


async def test_what_the_settings_file_says_counts_before_that(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await choose_theme(app, pilot, "light")
        await until(pilot, lambda: app.at_panes)
    again = with_file(tmp_path, "theme: ansi\n")
    async with running(again):
        assert again.theme == "ansi"


async def test_a_user_theme_is_worn_and_a_broken_one_named(tmp_path: Path) -> None:
    folder = tmp_path / "config-home" / "themes"
    folder.mkdir(parents=True)
    (folder / "mine.yaml").write_text(
        'name: mine\ncolors: {primary: "#88ccff", foreground: white, background: "#101010"}\n'
    )
    (folder / "torn.yaml").write_text("name: torn\ncolors: {primary: nonsense}\n")
    app = with_file(tmp_path, "theme: mine\n")
    async with running(app) as pilot:
        assert app.theme == "mine"
        assert "torn" not in app.available_themes
        await pilot.press("f10")
        await until(pilot, lambda: "torn.yaml" in seen(app))


async def test_a_theme_that_is_not_there_is_reported_with_the_nearest(tmp_path: Path) -> None:
    app = with_file(tmp_path, "max_tokens: 9\ntheme: lihgt\n")
    async with running(app, size=(200, 40)) as pilot:
        assert app.theme == theming.DEFAULT
        await pilot.press("f10")
        message = 'settings.yaml:2:8: there is no theme "lihgt"; did you mean "light"?'
        await until(pilot, lambda: message in seen(app))


async def test_no_color_is_no_colour(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make(tmp_path)
    async with running(app) as pilot:
        assert app.theme == "no-colour"
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await pilot.pause()
        for strip in app.screen._compositor.render_strips():
            for segment in strip:
                color = segment.style.color if segment.style else None
                assert color is None or color.is_default, segment


async def test_a_session_is_left_reopened_and_its_answer_is_there(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f5")
        await fake_engine.answered(pilot, app)
        first = fake_engine.pane(app).transcript.cards[0].answer
        await pilot.press("ctrl+n")
        await until(pilot, lambda: not fake_engine.pane(app).transcript.cards)
        await pilot.press(*"abc", "f9")
        await until(pilot, lambda: isinstance(app.screen, SessionsScreen))
        await until(pilot, lambda: "Sessions: 2" in seen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: len(fake_engine.pane(app).transcript.cards) == 1)
        assert fake_engine.pane(app).transcript.cards[0].answer == first


async def test_a_model_is_taken_from_the_models_screen_into_the_pane(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await until(pilot, lambda: "smollm2" in seen(app))
        await pilot.press("home", "p")
        await until(pilot, lambda: Pull("smollm2") in engine.asked)
        await pilot.press("enter")
        await until(pilot, lambda: fake_engine.pane(app).draft.model == "smollm2")


@pytest.mark.parametrize(
    ("key", "screen"),
    [("f1", HelpScreen), ("f8", ModelsScreen), ("f9", SessionsScreen), ("f10", SettingsScreen)],
)
async def test_every_screen_opens_over_a_pane_and_escape_leads_back(
    tmp_path: Path, key: str, screen: type[object]
) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press(key)
        await until(pilot, lambda: isinstance(app.screen, screen))
        # What belongs to the panes does not reach them through the screen.
        await pilot.press("f3")
        assert isinstance(app.screen, screen)
        await pilot.press("escape")
        await until(pilot, lambda: app.at_panes)
        assert app.row.role == "continue"


async def test_a_remapped_key_works_and_is_told(tmp_path: Path) -> None:
    app = with_file(tmp_path, "keymap:\n  models: f12\n  quti: f11\n")
    async with running(app, size=(160, 40)) as pilot:
        assert "F12 Models" in seen(app)
        await pilot.press("f8")
        assert app.at_panes
        await pilot.press("f12")
        await until(pilot, lambda: isinstance(app.screen, ModelsScreen))
        await pilot.press("escape", "f10")
        await until(pilot, lambda: 'no action "quti"; did you mean "quit"?' in seen(app))


async def test_texts_name_the_keys_in_force(tmp_path: Path) -> None:
    app = with_file(tmp_path, "keymap: {mask_word: f11, close: ctrl+e}\n")
    async with running(app) as pilot:
        await pilot.press("f3")
        await until(pilot, lambda: "F11 hides the word" in seen(app))
        await pilot.press("f7")
        await until(pilot, lambda: "Ctrl+E cancels" in seen(app))
        await pilot.press("ctrl+e", "f10")
        app.preferences.loaded.path.write_text("keymap: {mask_word: ctrl+y}\n")
        await until(pilot, lambda: isinstance(app.screen, SettingsScreen))
        await pilot.press("r", "escape")
        await until(pilot, lambda: "Ctrl+Y hides the word" in seen(app))

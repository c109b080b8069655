from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

import tui.app
from tests.tui.headless.conftest import Result, Tsuzuki
from tui.config.settings import Loaded, PaneModels


class FakeApp:
    """Takes the settings, and leaves at once with an exit code."""

    opened: Loaded | None = None
    return_code: int | None = None
    mouse: bool | None = None
    history = SimpleNamespace(unsaved="")

    def __init__(self, loaded: Loaded, *, lesson: bool = False) -> None:
        FakeApp.opened = loaded

    def run(self, *, mouse: bool) -> None:
        FakeApp.mouse = mouse


@pytest.fixture
def at_terminal(monkeypatch: pytest.MonkeyPatch, tsuzuki: Tsuzuki) -> Tsuzuki:
    """Run a command line where the streams are said to be a terminal."""
    monkeypatch.setattr(FakeApp, "opened", None)
    monkeypatch.setattr(tui.app, "TsuzukiApp", FakeApp)
    monkeypatch.setenv("TERM", "xterm")

    def call(*arguments: str) -> Result:
        # Not before: pytest changes the streams between a test's setup and the test.
        monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
        return tsuzuki(*arguments)

    return call


def test_it_opens_with_the_settings_of_the_user(at_terminal: Tsuzuki, tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.yaml").write_text("theme: light\n")

    assert at_terminal().code == 0
    assert FakeApp.opened is not None
    assert FakeApp.opened.settings.theme == "light"


def test_the_command_line_wins_over_the_file(at_terminal: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("theme: light\nmax_tokens: 9\nmouse: false\n")

    at_terminal("--config", str(file), "--theme", "dark", "--model", "gpt2")

    assert FakeApp.opened is not None
    chosen = FakeApp.opened.settings
    assert (chosen.theme, chosen.max_tokens) == ("dark", 9)
    assert chosen.models == PaneModels(continue_="gpt2", fill="gpt2", score="gpt2")
    assert FakeApp.opened.model_given
    assert FakeApp.mouse is False


def test_a_form_on_the_command_line_wins_over_the_file(
    at_terminal: Tsuzuki, tmp_path: Path
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("precision: int8\n")

    at_terminal("--config", str(file))
    assert FakeApp.opened is not None
    assert (FakeApp.opened.settings.precision, FakeApp.opened.precision_given) == ("int8", False)

    at_terminal("--config", str(file), "--precision", "auto")
    assert (FakeApp.opened.settings.precision, FakeApp.opened.precision_given) == ("auto", True)


def test_a_theme_on_the_command_line_counts_as_said(at_terminal: Tsuzuki) -> None:
    at_terminal("--theme", "light")

    assert FakeApp.opened is not None
    assert FakeApp.opened.theme_given


def test_a_theme_that_is_not_there_is_wrong_use(at_terminal: Tsuzuki) -> None:
    result = at_terminal("--theme", "drak")

    assert result.code == 2
    assert FakeApp.opened is None
    assert "drak" in result.err
    assert "dark" in result.err.splitlines()[-1]


def test_a_theme_of_the_users_own_is_known(at_terminal: Tsuzuki, tmp_path: Path) -> None:
    themes = tmp_path / "config" / "themes"
    themes.mkdir(parents=True)
    dark = (Path(tui.app.__file__).parents[1] / "themes" / "dark.yaml").read_text()
    (themes / "mine.yaml").write_text(dark.replace("name: dark", "name: mine"))

    assert at_terminal("--theme", "mine").code == 0


@pytest.mark.parametrize("term", ["", "dumb", "unknown"])
def test_a_terminal_that_cannot_draw_is_refused(
    at_terminal: Tsuzuki, monkeypatch: pytest.MonkeyPatch, term: str
) -> None:
    monkeypatch.setenv("TERM", term)

    assert at_terminal().code == 2
    assert FakeApp.opened is None


def test_an_app_that_crashed_is_a_failure(
    at_terminal: Tsuzuki, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeApp, "return_code", 1)

    assert at_terminal().code == 1

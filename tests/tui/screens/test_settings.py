"""The settings screen shows what counts and leads to the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.support.screen_host import Host, model, seen, until
from tui import preferences
from tui.config import settings
from tui.preferences import Preferences
from tui.screens.settings import SettingsScreen


def host(path: Path) -> Host:
    def reread() -> Preferences:
        return preferences.read(settings.load(path))

    return Host(lambda shared, _host: SettingsScreen(shared, reread(), reread))


def toasts(app: Host) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_what_is_in_force_and_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("theme: light\nmax_tokens: many\n")
    app = host(path)
    async with app.run_test(size=(200, 60)):
        text = seen(app)
        assert "File: " in text
        assert "settings.yaml:2:13: max_tokens: must be a whole number" in text
        assert 'theme: "light"\n' in text
        assert "max_tokens: 64  (default)" in text
        assert "sampling.top_p: 0.95  (default)" in text


async def test_reload_reads_the_file_again(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    app = host(path)
    async with app.run_test(size=(100, 60), notifications=True) as pilot:
        assert "There is no file" in seen(app)
        path.write_text("max_tokens: 7\nbogus: 1\n")
        await pilot.press("r")
        await until(pilot, lambda: "max_tokens: 7\n" in seen(app))
        assert any("problems: 1" in said for said in toasts(app))


async def test_without_an_editor_the_path_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    path = tmp_path / "settings.yaml"
    app = host(path)
    async with app.run_test(size=(100, 60), notifications=True) as pilot:
        await pilot.press("e")
        await until(pilot, lambda: any("There is no editor" in said for said in toasts(app)))
        assert path.read_text(encoding="utf-8") == settings.template()


@pytest.mark.parametrize("there", [["editor", "vi"], ["vi"]])
async def test_the_systems_editor_is_used_where_none_is_named(
    there: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    for name in there:
        (tmp_path / name).write_text(f"#!/bin/sh\necho {name} > {tmp_path}/ran\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    app = host(tmp_path / "settings.yaml")
    monkeypatch.setattr(app, "suspend", nullcontext)
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("e")
        await until(pilot, (tmp_path / "ran").exists)
    assert (tmp_path / "ran").read_text().strip() == there[0]


async def test_what_is_refused_is_not_in_force(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("theme: nosuch\nkeymap:\n  bogus: x\n  chat: f12\nmodels:\n  fill: nothere\n")
    app = host(path)
    async with app.run_test(size=(200, 80)) as pilot:
        text = seen(app)
        assert 'there is no theme "nosuch"' in text
        assert 'there is no action "bogus"' in text
        in_force = text[text.index("In force") :]
        assert "nosuch" not in in_force
        assert "bogus" not in in_force
        assert 'theme: "dark"  (default)' in in_force
        assert 'keymap.chat: "F12"\n' in in_force
        assert "Models that cannot be used" not in text  # the engine has not listed any
        app.shared.link.models = {"starter-ja": model("starter-ja"), "b": model("b")}
        await pilot.press("r")
        await until(pilot, lambda: 'models.fill: there is no model "nothere"' in seen(app))


async def test_the_editor_gets_the_terminal_and_its_changes_count(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "settings.yaml"
    monkeypatch.setenv("VISUAL", "sh -c 'echo max_tokens: 9 > \"$0\"'")
    app = host(path)
    suspended = []

    @contextmanager
    def suspend() -> Iterator[None]:
        suspended.append(True)
        yield

    monkeypatch.setattr(app, "suspend", suspend)
    async with app.run_test(size=(100, 60)) as pilot:
        await pilot.press("e")
        await until(pilot, lambda: "max_tokens: 9\n" in seen(app))
    assert suspended == [True]


@pytest.mark.parametrize("editor", ["no-such-editor-here", "unclosed '"])
async def test_an_editor_that_cannot_start_is_told(
    editor: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VISUAL", editor)
    app = host(tmp_path / "settings.yaml")
    async with app.run_test(size=(100, 60), notifications=True) as pilot:
        await pilot.press("e")
        await until(pilot, lambda: any("could not be started" in said for said in toasts(app)))


async def test_a_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = host(tmp_path / "file" / "settings.yaml")
    async with app.run_test(size=(100, 60), notifications=True) as pilot:
        await pilot.press("e")
        await until(pilot, lambda: any("cannot be written" in said for said in toasts(app)))

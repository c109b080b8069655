"""How the app looks, as pictures. After a wanted change: pytest --snapshot-update, and look."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from typing import Protocol

import pytest
from textual.app import App
from textual.command import CommandList, CommandPalette
from textual.pilot import Pilot
from textual.widgets import Input

from engine.messages import TrackedWord
from tests.support.fake_engine import TaskEngine, answered, make, pane
from tests.support.screen_host import seen, until
from tests.support.suite_engine import SuiteEngine
from tests.tui.suites.test_reading import condition, suite
from tui.app import TsuzukiApp
from tui.cards import ContinueCard
from tui.cards.tracked import Tracked
from tui.config.settings import Settings
from tui.panes.base import TaskPane
from tui.strings import Language


class Compare(Protocol):
    def __call__(
        self,
        app: App[None],
        press: Iterable[str] = (),
        terminal_size: tuple[int, int] = (80, 24),
        run_before: Callable[[Pilot[None]], Awaitable[None] | None] | None = None,
    ) -> bool: ...


SMALL, WIDE = (80, 24), (200, 50)


def steps(app: TsuzukiApp, *keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Press keys once the app has settled; after each Enter, wait for the answer."""

    # Before the first blink: one that is on its way would still hide a cursor that stops now.
    for each in app.panes.values():
        for composer in each.composers:
            composer.cursor_blink = False

    async def run(pilot: Pilot[None]) -> None:
        await until(pilot, lambda: bool(app.link.models) and app.settled)
        await until(pilot, lambda: pane(app).composers[0].has_focus)
        for key in keys:
            await pilot.press(key)
            if key == "enter":
                await answered(pilot, app, len(pane(app).transcript.cards))
        for entry in app.screen.query(Input):
            entry.cursor_blink = False
        if isinstance(app.screen, CommandPalette):
            found = app.screen.query_one(CommandList)
            await until(pilot, lambda: found.option_count > 0)
        await pilot.pause()

    return run


PANES = {"continue": "f2", "fill": "f3", "score": "f4"}


def test_first_screen(snap_compare: Compare, tmp_path: Path) -> None:
    app = make(tmp_path)
    assert snap_compare(app, terminal_size=SMALL, run_before=steps(app))


@pytest.mark.parametrize("name", PANES)
def test_answer(snap_compare: Compare, tmp_path: Path, name: str) -> None:
    app = make(tmp_path)
    run = steps(app, PANES[name], "enter")
    assert snap_compare(app, terminal_size=SMALL, run_before=run)


def test_inspector_on_a_small_screen(snap_compare: Compare, tmp_path: Path) -> None:
    app = make(tmp_path)
    run = steps(app, "enter", "shift+tab", "right", "right", "f6")
    assert snap_compare(app, terminal_size=SMALL, run_before=run)


def test_three_panes_side_by_side(snap_compare: Compare, tmp_path: Path) -> None:
    app = make(tmp_path)
    run = steps(app, "f4", "enter", "f3", "enter", "f2", "enter", "shift+tab", "right")
    assert snap_compare(app, terminal_size=WIDE, run_before=run)


def test_one_pane_on_a_wide_screen(snap_compare: Compare, tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(layout="single"))
    run = steps(app, "f3", "enter", "shift+tab", "right", "right", "right", "right")
    assert snap_compare(app, terminal_size=WIDE, run_before=run)


@pytest.mark.parametrize("key", ["ctrl+s", "f7", "ctrl+p"])
def test_windows(snap_compare: Compare, tmp_path: Path, key: str) -> None:
    app = make(tmp_path)
    assert snap_compare(app, terminal_size=SMALL, run_before=steps(app, key))


@pytest.mark.parametrize("theme", ["light", "high-contrast", "ansi"])
def test_themes(snap_compare: Compare, tmp_path: Path, theme: str) -> None:
    app = make(tmp_path, settings=Settings(theme=theme))
    run = steps(app, "f3", "enter", "shift+tab", "right")
    assert snap_compare(app, terminal_size=SMALL, run_before=run)


def test_no_colour(snap_compare: Compare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app = make(tmp_path)
    monkeypatch.delenv("NO_COLOR")  # the plugin's own picture needs its colours
    assert snap_compare(app, terminal_size=SMALL, run_before=steps(app, "f3", "enter"))


def test_ascii(snap_compare: Compare, tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(ascii=True))
    run = steps(app, "f3", "enter", "f6")
    assert snap_compare(app, terminal_size=SMALL, run_before=run)


def test_offer(snap_compare: Compare, tmp_path: Path) -> None:
    engine = TaskEngine()
    engine.unknown["starter-ja"] = 0.9
    app = make(tmp_path, engine)

    async def run(pilot: Pilot[None]) -> None:
        await steps(app)(pilot)
        pane(app).composers[0].fill("Once upon a time")
        await pilot.press("enter")
        await pilot.pause()

    assert snap_compare(app, terminal_size=SMALL, run_before=run)


JAPANESE = Settings(language="ja")


@pytest.mark.parametrize("name", PANES)
@pytest.mark.parametrize("keys", [(), ("enter",)], ids=["empty", "answered"])
def test_panes_in_japanese(
    snap_compare: Compare, tmp_path: Path, name: str, keys: tuple[str, ...]
) -> None:
    app = make(tmp_path, settings=JAPANESE)
    run = steps(app, PANES[name], *keys)
    assert snap_compare(app, terminal_size=SMALL, run_before=run)


@pytest.mark.parametrize("key", ["ctrl+s", "f1", "f7", "f8", "ctrl+p"])
def test_windows_in_japanese(snap_compare: Compare, tmp_path: Path, key: str) -> None:
    app = make(tmp_path, settings=JAPANESE)
    assert snap_compare(app, terminal_size=SMALL, run_before=steps(app, key))


def test_inspector_in_japanese(snap_compare: Compare, tmp_path: Path) -> None:
    app = make(tmp_path, settings=JAPANESE)
    run = steps(app, "enter", "shift+tab", "right", "right", "f6")
    assert snap_compare(app, terminal_size=SMALL, run_before=run)


@pytest.mark.parametrize("size", [SMALL, WIDE], ids=["small", "wide"])
@pytest.mark.parametrize("language", ["en", "ja"])
def test_suite(
    snap_compare: Compare, tmp_path: Path, size: tuple[int, int], language: Language
) -> None:
    words = ["The", "author", "next to", "the", "senators", "is", "good"]
    items = [
        {
            "item_number": number,
            "conditions": [
                condition(name, *words[:5], verb, "good")
                for name, verb in (("match_sing", "is"), ("mismatch_sing", other))
            ],
        }
        for number, other in enumerate(("are", "am", "were"), 1)
    ]
    names = ["intro", "np_subject", "prep", "the", "prep_np", "matrix_verb", "continuation"]
    file = tmp_path / "suite.json"
    meta = {str(number): name for number, name in enumerate(names, 1)}
    formula = "(6;%match_sing%) < (6;%mismatch_sing%)"
    file.write_text(suite(*items, formulas=(formula,), region_meta=meta))
    app = make(tmp_path, SuiteEngine(), settings=Settings(language=language))

    async def run(pilot: Pilot[None]) -> None:
        await steps(app)(pilot)
        pane(app).post_message(TaskPane.SuiteAsked(pane(app), str(file)))
        await until(pilot, lambda: "66.7%" in seen(app))
        await pilot.press("down")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=run)


@pytest.mark.parametrize("language", ["en", "ja"])
def test_tracked_words(snap_compare: Compare, tmp_path: Path, language: Language) -> None:
    app = make(tmp_path, settings=Settings(language=language))

    async def run(pilot: Pilot[None]) -> None:
        await steps(app, "enter", "shift+tab", "right", "right")(pilot)
        (card,) = pane(app).transcript.cards
        assert isinstance(card, ContinueCard)
        places = range(len(card.branches[0].tokens) + 1)
        words = [
            TrackedWord(
                word=word,
                ids=[7],
                logprobs=[-1.5 * ((by * place + 1) % 7) for place in places],
                ranks=[1 + place for place in places],
            )
            for word, by in (("彼", 2), ("彼女", 3))
        ]
        card.tracked = Tracked(0, words)
        pane(app).cards.save(card)
        await pilot.press("f6")
        await pilot.pause()

    assert snap_compare(app, terminal_size=SMALL, run_before=run)

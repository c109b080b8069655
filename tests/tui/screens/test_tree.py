"""The tree of a text: seen whole, searched, rated and saved."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.messages import Turn
from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.cards import ContinueCard
from tui.config.settings import Settings
from tui.screens.tree import TreeScreen


async def test_paths_are_seen_searched_rated_and_saved(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(export_folder=str(tmp_path / "out")))
    async with running(app, (100, 30)) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right", "2")
        await until(pilot, lambda: len(pane(app).transcript.trees.cards) == 2)
        root, fork = pane(app).transcript.trees.cards
        assert isinstance(root, ContinueCard) and isinstance(fork, ContinueCard)
        fork.name = "Ending"
        await until(pilot, lambda: fork.status == "done")
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await until(pilot, lambda: "[Ending]" in seen(app))
        assert root.prompt in seen(app)  # the preview below the table
        await pilot.press("v", "up", "v")
        await pilot.press("1")
        await until(pilot, lambda: "Ending is better" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        await until(pilot, lambda: "Marked" not in seen(app))
        assert (fork.won, root.won) == ([root.id], [])

        def ranks() -> list[str]:
            rows = [line for line in seen(app).splitlines() if "%" in line or "2^" in line]
            return [row.split()[0] for row in rows]

        await until(pilot, lambda: ranks() == ["2", "1"])
        await pilot.press("slash", *"ending", "enter")
        await until(pilot, lambda: "Tree: 1 path" in seen(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Tree: 2 paths" in seen(app))
        await pilot.press("s", "S")
        await until(pilot, lambda: len(list((tmp_path / "out").iterdir())) == 2)
        both = {path.suffix: path.read_text("utf-8") for path in (tmp_path / "out").iterdir()}
        assert "Ending" in both[".md"] and both[".md"].count("## ") == 2
        assert "[Ending]" in both[".txt"] and "##" not in both[".txt"]
        await pilot.press("escape")
        await until(pilot, lambda: "[Ending]" in seen(app))  # on the card


async def test_the_turns_of_a_chat_say_whose_they_are(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        (card,) = pane(app).transcript.cards
        assert isinstance(card, ContinueCard)
        turns = [Turn("system", "Be brief.")]
        card.request = msgspec.structs.replace(card.request, chat=turns)
        pane(app).transcript.show([card])
        await pilot.pause()
        screen = seen(app)
        assert "System: Be brief." in screen
        assert "You: 羽田空港に到着、東京の街は" in screen
        assert "Model: とても" in screen

"""The dialogs of a pane: its model, and how that is run."""

from __future__ import annotations

from pathlib import Path

import msgspec
from textual.widgets import OptionList

from engine.messages import Continue
from tests.support.fake_engine import MODELS, TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.screens.forms import Picker


async def test_the_model_of_a_pane_can_be_chosen(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3", "f7")
        await pilot.pause()
        assert "Model of this pane" in seen(app)
        await pilot.press("up", "enter")
        await pilot.pause()
        assert pane(app).draft.model == "starter-ja"
        await pilot.press("f7", "escape")
        assert pane(app).draft.model == "starter-ja"


async def test_a_second_enter_that_follows_at_once_closes_nothing_else(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3", "f7")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        options = app.screen.query_one(OptionList)
        for _ in range(3):
            options.action_select()
        await until(pilot, lambda: app.at_panes)
        await pilot.press("escape")
        assert app.is_running


async def test_a_list_of_models_that_is_still_coming_fills_itself(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        known, app.link.models = app.link.models, {}
        await pilot.press("f7")
        await until(pilot, lambda: "the list will appear in a moment" in seen(app))
        await pilot.press("enter")  # there is nothing to choose yet
        assert isinstance(app.screen, Picker)
        app.link.models = known
        await until(pilot, lambda: "smollm2" in seen(app))
        assert "the list will appear in a moment" not in seen(app)
        options = app.screen.query_one(OptionList)
        assert options.highlighted_option is not None
        assert options.highlighted_option.id == "starter-ja"
        await pilot.press("down")
        known["smollm2"] = msgspec.structs.replace(known["smollm2"], state="ready")
        await until(pilot, lambda: seen(app).count("ready") == 2)
        await pilot.press("enter")  # what stands under the cursor stays there
        await until(pilot, lambda: pane(app).draft.model == "smollm2")


async def test_a_choice_of_none_says_so(tmp_path: Path) -> None:
    app = make(tmp_path, TaskEngine(MODELS[1:2]))
    async with running(app) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "m")
        await until(pilot, lambda: "No other model can do this." in seen(app))


async def test_sampling_is_judged_as_it_is_typed(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+s", "end", "backspace", *"-1")
        await until(pilot, lambda: "must be 0 or more" in seen(app))
        await pilot.press("down", *"x")
        await until(pilot, lambda: "must be a whole number" in seen(app))
        await pilot.press("backspace", "0", "up", "enter")
        assert "How the model runs" in seen(app)  # a wrong value is not taken
        await pilot.press("backspace", "backspace", *"0.5")
        await pilot.press(*["down"] * 6, *"11", *["down"] * 2, "end", "backspace", "3")
        await pilot.press("down", *r"\n|東京", "enter")
        await until(pilot, lambda: "T 0.5" in seen(app))
        await pilot.press("enter")
        await answered(pilot, app)
    (request,) = engine.tasks()
    assert isinstance(request, Continue)
    assert (request.sampling.temperature, request.sampling.seed) == (0.5, 11)
    assert (request.branches, request.stop) == (3, ["\n", "東京"])

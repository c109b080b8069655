"""The form of a model's weights: chosen in a pane, asked for, and told wherever it counts."""

from __future__ import annotations

from pathlib import Path

from textual.command import CommandPalette

from engine.messages import Continue, Fill, ModelInfo, ModelState, PrecisionChoice, Score
from tests.support.fake_engine import MODELS, TaskEngine, answered, make, pane, running
from tests.support.screen_host import model, seen, until
from tui.config.settings import Settings
from tui.connection.link import Link

ALL = "exact, bf16, int8, int4, auto"


async def link_to(*models: ModelInfo) -> tuple[TaskEngine, Link]:
    engine = TaskEngine(list(models))
    link = Link(engine.connect, lambda: None, lambda state, error: None)
    await link.refresh()
    return engine, link


def states(link: Link, *forms: PrecisionChoice) -> list[str]:
    found = [link.seen_as("starter-ja", form) for form in forms]
    return [info.state for info in found if info is not None]


async def test_the_form_is_chosen_for_a_pane_and_stands_by_its_model(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await until(pilot, lambda: "● starter-ja ready" in seen(app))
        await pilot.press("ctrl+s", "up", *"in")
        await until(pilot, lambda: f"one of {ALL}" in seen(app))
        await pilot.press(*"t4", "enter")
        # In memory it is there, but not in this form.
        await until(pilot, lambda: "○ starter-ja int4 on disk" in seen(app))
        assert "╭─ starter-ja int4 " in seen(app)
        await pilot.press("enter")
        await answered(pilot, app)
        await until(pilot, lambda: "  starter-ja int4 · 8 tokens" in seen(app))
        await pilot.press("f3")
        assert "int4" not in seen(app)
    (request,) = engine.tasks()
    assert request.precision == "int4"


async def test_the_palette_leads_to_it(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f4", "ctrl+p")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        await pilot.press(*"precision")
        await until(pilot, lambda: "Choose the form of the model's weights" in seen(app))
        await pilot.press("down", "enter")
        await until(pilot, lambda: "How the model runs" in seen(app))
        # A BERT has one form only, and the form says so.
        assert seen(app).count("exact") == 2
        await pilot.press(*"int4", "enter")
        await until(pilot, lambda: "one of exact" in seen(app))
        assert pane(app).draft.precision == "exact"


async def test_a_model_that_cannot_have_the_wanted_form_runs_exact(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(precision="int8"))
    async with running(app) as pilot:
        for key in ("f2", "f3", "f4"):
            await pilot.press(key, "enter")
            await answered(pilot, app)
        assert "starter-en exact" in seen(app)
        assert "int8" not in seen(app)
        pane(app).use_model("starter-ja")
        await pilot.press(*"One", "enter", *"Two", "enter")
        await answered(pilot, app, 2)
    assert [(type(body), body.precision) for body in engine.tasks()] == [
        (Continue, "int8"),
        (Fill, "exact"),
        (Score, "exact"),
        (Score, "int8"),
    ]


async def test_auto_says_what_it_came_to(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(precision="auto"))
    async with running(app) as pilot:
        assert "starter-ja auto ready" in seen(app)
        await pilot.press("enter")
        await answered(pilot, app)
        await until(pilot, lambda: "╭─ starter-ja auto int4 " in seen(app))
        assert "starter-ja auto int4 ready" in seen(app)
        assert "  starter-ja int4 · 8 tokens" in seen(app)
    (request,) = engine.tasks()
    assert request.precision == "auto"


async def test_a_card_is_run_again_and_gone_on_from_in_its_own_form(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(precision="bf16"))
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        pane(app).use_precision("int4")
        await pilot.press("shift+tab", "r")
        await answered(pilot, app, 2)
        await pilot.press("n")
        await until(pilot, lambda: len(engine.tasks()) == 3)
        await answered(pilot, app, 2)
        assert pane(app).draft.precision == "int4"
        await pilot.press("e")
        assert pane(app).draft.precision == "bf16"
    assert [body.precision for body in engine.tasks()] == ["bf16"] * 3


async def test_the_form_comes_back_with_the_session(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        pane(app).use_precision("int8")
        await pilot.press("enter")
        await answered(pilot, app)
    app = make(tmp_path)
    async with running(app):
        assert pane(app).draft.precision == "int8"
        assert "  starter-ja int8 · 8 tokens" in seen(app)


async def test_a_model_is_as_ready_as_the_form_that_is_asked_for() -> None:
    engine, link = await link_to(MODELS[0])
    assert states(link, "exact", "int4", "auto") == ["ready", "on_disk", "ready"]
    loading = ModelState(
        model="starter-ja", state="loading", precision="int4", in_memory=["exact"], percent=5.0
    )
    engine.broadcast(loading)
    assert states(link, "exact", "int8", "int4") == ["ready", "on_disk", "loading"]
    engine.broadcast(ModelState(model="starter-ja", state="ready", in_memory=["exact", "int4"]))
    assert states(link, "exact", "int8", "int4") == ["ready", "on_disk", "ready"]
    link._state("restarting", None)
    assert states(link, "exact", "int4", "auto") == ["on_disk"] * 3


async def test_what_is_not_known_of_a_model_is_left_to_the_engine() -> None:
    _, link = await link_to(model("far", state="absent"), *MODELS[:2])
    assert ", ".join(link.forms("far")) == ", ".join(link.forms("/some/folder")) == ALL
    assert link.form("far", "int4") == "int4"
    assert link.forms("starter-en") == ("exact",)
    assert link.form("starter-en", "auto") == "exact"

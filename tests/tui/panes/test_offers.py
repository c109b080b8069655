"""What is offered before a text runs that its model does not know."""

from __future__ import annotations

from pathlib import Path

from engine.messages import Continue, Done, Fill, Pull
from tests.support.fake_engine import MODELS, TaskEngine, answered, make, pane, running
from tests.support.screen_host import model, seen, until
from tui.app import TsuzukiApp


def unsuited(folder: Path, model: str) -> tuple[TaskEngine, TsuzukiApp]:
    """An app with an engine in which most of any text is unknown to a model."""
    engine = TaskEngine()
    engine.unknown[model] = 0.9
    return engine, make(folder, engine)


async def test_a_text_the_model_does_not_know_gets_an_offer_first(tmp_path: Path) -> None:
    engine, app = unsuited(tmp_path, "starter-en")
    async with running(app) as pilot:
        await pilot.press("f3")
        pane(app).composers[0].fill("東京は[MASK]です")
        await pilot.press("enter")
        await until(pilot, lambda: "90% of this text is unknown" in seen(app))
        assert engine.tasks() == []
        await pilot.press("ctrl+g")
        await answered(pilot, app)
        (request,) = engine.tasks()
        assert isinstance(request, Fill)
        assert request.model == "starter-ja"


async def test_a_warned_of_text_runs_when_it_is_sent_again(tmp_path: Path) -> None:
    engine, app = unsuited(tmp_path, "starter-ja")
    async with running(app) as pilot:
        pane(app).composers[0].fill("Once upon a time")
        await pilot.press("enter")
        await until(pilot, lambda: "smollm2 (92.9 MB)" in seen(app))
        await pilot.press("enter")
        await answered(pilot, app)
    (request,) = engine.tasks()
    assert isinstance(request, Continue)
    assert request.model == "starter-ja"


async def test_an_accepted_pull_runs_the_draft_when_the_model_is_here(tmp_path: Path) -> None:
    engine, app = unsuited(tmp_path, "starter-ja")
    async with running(app) as pilot:
        pane(app).composers[0].fill("Once upon a time")
        await pilot.press("enter")
        await until(pilot, lambda: "pulls smollm2" in seen(app))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "smollm2" in engine.pulls)
        engine.state("smollm2", state="pulling", percent=42.0)
        await until(pilot, lambda: "pulling 42 %" in seen(app))
        engine.models = [*MODELS[:2], model("smollm2", roles=["continue"], title="SmolLM2")]
        engine.finish("smollm2", Done())
        await answered(pilot, app)
    assert Pull("smollm2") in engine.asked
    (request,) = engine.tasks()
    assert isinstance(request, Continue)
    assert request.model == "smollm2"


async def test_what_is_sent_while_its_model_is_pulled_runs_when_it_is_here(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        pane(app).use_model("smollm2")
        app.shared.model_jobs.start(Pull("smollm2"))
        await until(pilot, lambda: "smollm2" in engine.pulls)
        pane(app).composers[0].fill("Once upon a time")
        await pilot.press("enter")
        await until(pilot, lambda: "runs as soon as" in seen(app))
        assert engine.tasks() == []
        engine.models = [*MODELS[:2], model("smollm2", roles=["continue"], title="SmolLM2")]
        engine.finish("smollm2", Done())
        await answered(pilot, app)
        assert "runs as soon as" not in seen(app)
    (request,) = engine.tasks()
    assert isinstance(request, Continue)
    assert (request.model, request.prompt) == ("smollm2", "Once upon a time")

"""The models screen, by its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs
from textual.pilot import Pilot
from textual.widgets import Input

from engine.messages import (
    Cancel,
    Distance,
    Done,
    Error,
    Load,
    Precision,
    Pull,
    Remove,
    Unload,
)
from tests.support.screen_host import Host, ModelsEngine, model, seen, until
from tui.screens.base import Table
from tui.screens.models import ModelsScreen

MODELS = [
    model(
        "starter-ja",
        source="bundled",
        languages=["ja"],
        state="ready",
        memory=21_000_000,
        precisions=["exact", "bf16", "int8", "int4"],
        in_memory=["exact", "int4"],
        distances=[
            Distance(precision="int4", kl=0.00026, top1=0.988, perplexity=20.0, tokens=1000)
        ],
    ),
    model("bert", roles=["fill", "score"], heads=["masked"], bytes=440_000_000),
    model("far", state="absent", note="A far-away model."),
    model("torn", state="failed", reason="model.safetensors is too short"),
]


@asynccontextmanager
async def shown(
    engine: ModelsEngine | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    engine = ModelsEngine(MODELS) if engine is None else engine
    app = Host(lambda shared, host: ModelsScreen(shared, "continue", "starter-ja"), engine)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, lambda: engine.models[0].id in seen(app))
        yield app, pilot


async def choose(pilot: Pilot[None], app: Host, name: str) -> None:
    table = app.screen.query_one(Table)
    await pilot.press("home")
    while table.chosen != name:
        assert table.cursor_row < table.row_count - 1, name
        await pilot.press("down")
    await until(pilot, lambda: f"({name})" in seen(app))


def toasts(app: Host) -> list[str]:
    return [notice.message for notice in app._notifications]


async def test_a_model_from_a_gguf_file_says_what_exact_is_of() -> None:
    small = model("small", weights="Q4_1", precisions=["exact", "int8"])
    async with shown(ModelsEngine([small])) as (app, _):
        assert "exact of Q4_1, int8" in seen(app)


async def test_forms_that_stay_on_the_cpu_are_told_from_those_on_a_gpu() -> None:
    placed = model(
        "placed",
        state="ready",
        memory=30_000_000,
        in_memory=["exact", "int8"],
        device="cuda",
        on_device=["exact"],
    )
    async with shown(ModelsEngine([placed])) as (app, _):
        assert "(exact on cuda, int8 on cpu)" in seen(app)


async def test_everything_known_of_a_model_is_on_an_80x24_screen() -> None:
    async with shown() as (app, pilot):
        text = seen(app)
        assert "1 in memory · 21.0 MB of 2.0 GB" in text
        assert "●  starter-ja" in text
        # The current model is chosen at once.
        assert "21.0 MB in memory (exact, int4)" in text
        assert "forms: exact, bf16, int8, int4 (KL 2.6e-04, same choice 98.8%)" in text
        await choose(pilot, app, "torn")
        text = seen(app)
        assert "failed: model.safetensors is too short" in text
        assert "hub owner/torn 0123456789ab" in text
        await choose(pilot, app, "bert")
        assert "Fill, Score" in seen(app)
        assert "440 MB" in seen(app)


async def test_on_a_small_screen_the_details_can_be_scrolled_to_their_end() -> None:
    async with shown(size=(40, 12)) as (app, pilot):
        await choose(pilot, app, "far")
        assert "A far-away model." not in seen(app)
        await pilot.press("tab", "end")
        await until(pilot, lambda: "A far-away model." in seen(app))


async def test_a_pull_is_asked_for_shown_and_ends_well() -> None:
    async with shown() as (app, pilot):
        await choose(pilot, app, "far")
        assert "Stop" not in seen(app)
        await pilot.press("p", "p")
        await until(pilot, lambda: bool(app.engine.pulls))
        assert app.engine.sent() == [Pull("far")]
        app.engine.state(
            "far",
            state="pulling",
            stage="model.safetensors",
            done=50_000_000,
            total=100_000_000,
            percent=50.0,
        )
        await until(
            pilot, lambda: "pulling 50 %, 50.0 MB of 100 MB, model.safetensors" in seen(app)
        )
        assert "x Stop" in seen(app)
        app.engine.models[2] = model("far", state="on_disk")
        app.engine.finish("far", Done())
        await until(pilot, lambda: "state: on disk" in seen(app))
        assert app.notices == ["Far is on this machine."]


async def test_a_pull_goes_on_when_the_screen_is_closed_and_can_be_stopped_later() -> None:
    async with shown() as (app, pilot):
        await choose(pilot, app, "far")
        await pilot.press("p")
        await until(pilot, lambda: bool(app.engine.pulls))
        await pilot.press("escape")
        await until(pilot, lambda: app.results == [None])
        app.open()
        await pilot.pause()
        await choose(pilot, app, "far")
        await pilot.press("x")
        await until(pilot, lambda: app.notices == ["Far: stopped."])
        assert any(isinstance(body, Cancel) for body in app.engine.asked)


async def test_what_went_wrong_is_told_with_what_to_do() -> None:
    async with shown() as (app, pilot):
        app.engine.fails = Error(kind="network", message="No hub.", hint="Check the network.")
        await choose(pilot, app, "far")
        await pilot.press("p")
        await until(pilot, lambda: app.notices == ["No hub. Check the network."])


@pytest.mark.parametrize(
    ("name", "key", "sent", "said"),
    [
        ("starter-ja", "u", Unload("starter-ja"), ""),
        ("bert", "l", Load("bert"), ""),
        ("torn", "p", Pull("torn"), ""),
        ("far", "l", None, "Far is not on this machine; p pulls it."),
        ("far", "u", None, "Far is not in memory."),
        ("far", "d", None, "Far is not on this machine."),
        ("bert", "p", None, "Bert is on this machine already."),
        ("bert", "enter", None, "Bert cannot do what the Continue pane asks for."),
        ("starter-ja", "d", None, "Starter-Ja was not pulled by tsuzuki"),
    ],
)
async def test_keys_do_what_fits_and_say_what_does_not(
    name: str, key: str, sent: object, said: str
) -> None:
    async with shown() as (app, pilot):
        await choose(pilot, app, name)
        await pilot.press(key)
        if sent is not None:
            await until(pilot, lambda: app.engine.sent() == [sent])
            assert not toasts(app)
        else:
            await until(pilot, lambda: any(said in message for message in toasts(app)))
            assert not app.engine.sent()


@pytest.mark.parametrize(("name", "form"), [("starter-ja", "int8"), ("bert", "exact")])
async def test_a_model_is_loaded_in_the_panes_form_where_it_can_have_it(
    name: str, form: Precision
) -> None:
    bert = structs.replace(MODELS[1], precisions=["exact"])
    app = Host(
        lambda shared, host: ModelsScreen(shared, "continue", "starter-ja", "int8"),
        ModelsEngine([MODELS[0], bert]),
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "starter-ja" in seen(app))
        await choose(pilot, app, name)
        await pilot.press("l")
        await until(pilot, lambda: app.engine.sent() == [Load(name, form)])


async def test_removing_asks_first() -> None:
    async with shown() as (app, pilot):
        await choose(pilot, app, "bert")
        await pilot.press("d")
        await until(pilot, lambda: "Remove Bert (440 MB)" in seen(app))
        await pilot.press("enter")  # the harmless answer is at hand
        await pilot.press("d")
        await until(pilot, lambda: "Remove Bert (440 MB)" in seen(app))
        await pilot.press("escape")
        assert not app.engine.sent()
        await pilot.press("d")
        await until(pilot, lambda: "Remove Bert (440 MB)" in seen(app))
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.engine.sent() == [Remove("bert")])


async def test_enter_uses_the_model() -> None:
    async with shown() as (app, pilot):
        await choose(pilot, app, "far")
        await pilot.press("enter")
        await until(pilot, lambda: app.results == ["far"])


@pytest.mark.parametrize("kind", ["folder", "file", "neither"])
async def test_a_folder_or_a_gguf_file_can_be_opened(kind: str, tmp_path: Path) -> None:
    path = tmp_path / ("model.gguf" if kind == "file" else "model")
    if kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"")
    async with shown() as (app, pilot):
        await pilot.press("o")
        await until(pilot, lambda: "transformers layout" in seen(app))
        app.screen.query_one(Input).value = str(path)
        await pilot.press("enter")
        if kind == "neither":
            await until(pilot, lambda: any("neither a folder" in said for said in toasts(app)))
            assert not app.results
        else:
            await until(pilot, lambda: app.results == [str(path)])


async def test_the_cursor_stays_on_its_model_when_the_list_changes() -> None:
    engine = ModelsEngine(list(MODELS))
    async with shown(engine) as (app, pilot):
        await choose(pilot, app, "torn")
        engine.models.insert(0, model("another"))
        await app.shared.link.refresh()
        await until(pilot, lambda: "another" in seen(app))
        assert "(torn)" in seen(app)


async def test_names_cannot_reach_the_terminal() -> None:
    engine = ModelsEngine([model("evil", title="\x1b[31mred", note="[bold]x[/] \x9b5m")])
    async with shown(engine) as (app, pilot):
        await pilot.press("home")
        text = seen(app)
        assert "\x1b" not in text
        assert "\x9b" not in text
        assert "␛[31mred" in text
        assert "[bold]x[/]" in text


async def test_no_engine_is_said() -> None:
    class Broken(ModelsEngine):
        async def connect(self, on_event: object, on_state: object) -> ModelsEngine:
            raise OSError(13, "Permission denied")

    app = Host(lambda shared, host: ModelsScreen(shared, "fill", "x"), Broken([]))
    async with app.run_test(size=(120, 30), notifications=True) as pilot:
        await until(pilot, lambda: any("Permission denied" in said for said in toasts(app)))
        assert "The engine has not listed any model yet." in seen(app)

"""The screen for the inside of a model, by its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.messages import (
    Change,
    Error,
    Patch,
    ShowAttention,
    ShowAttribution,
    ShowHeads,
    ShowLens,
)
from tests.support.inside_events import InsideEngine
from tests.support.screen_host import Host, seen, until
from tui.config.settings import Loaded, Settings
from tui.screens.inside import InsideScreen, Looked

TEXT = Looked("m", "東京の", None, "東京の")


@asynccontextmanager
async def opened(
    engine: InsideEngine, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[tuple[Host, Pilot[None]]]:
    app = Host(lambda shared, host: InsideScreen(shared, TEXT), engine)
    async with app.run_test(size=size) as pilot:
        if engine.refusal is None:
            await until(pilot, lambda: "token 2 of 0-2" in seen(app))
        yield app, pilot


async def shows(app: Host, pilot: Pilot[None], *parts: str) -> None:
    await until(pilot, lambda: all(part in seen(app) for part in parts))


async def whole(app: Host, pilot: Pilot[None], last: str) -> str:
    """All lines of the view, once it holds what comes last."""
    screen = app.screen
    assert isinstance(screen, InsideScreen)
    await until(pilot, lambda: any(last in line.text for line in screen._page.lines))
    return "\n".join(line.text for line in screen._page.lines)


@pytest.mark.parametrize("size", [(80, 24), (200, 50)])
async def test_the_walk_goes_from_the_text_to_the_answer(size: tuple[int, int]) -> None:
    async with opened(InsideEngine(), size) as (app, pilot):
        await shows(app, pilot, "[1 Walk]", "1  Text", "東京の")
        text = await whole(app, pilot, "The likeliest next token is 街, 75.00%.")
        assert "['東京', 'の', '␛[31m']" in text
        assert "input_ids: tensor([[5, 6, 7]])" in text
        assert "hidden_states[0]: torch.Size([1, 3, 8])" in text
        assert "logits: torch.Size([1, 3, 99])" in text
        assert text.count("75.00%") == 2


async def test_every_view_has_its_key_and_tab_goes_round() -> None:
    async with opened(InsideEngine()) as (app, pilot):
        await pilot.press("2")
        await shows(app, pilot, "[2 Tokens]", "predicts the next token")
        await pilot.press("3")
        await shows(
            app, pilot, "[3 Tensors]", "torch.Size([1, 3, 8])", "[5, 6, 7]", "[0.5000, ...]"
        )
        await pilot.press("4")
        await shows(app, pilot, "[4 Attention]", "previous token 60%", "sum 1.0000", "causal mask")
        await pilot.press("5")
        await shows(app, pilot, "q  [1.0000, 2.0000", "5.5000")
        await pilot.press("6")
        await shows(app, pilot, "layer 1", "空", "rank 3", "x y: not one piece")
        await pilot.press("7")
        await shows(app, pilot, "街 rather than 夜: +1.000 nats", "-0.500", "sum +1.000")
        await pilot.press("tab")
        await shows(app, pilot, "[1 Walk]")


async def test_the_users_keys_are_shown() -> None:
    loaded = Loaded(Path("s"), Settings(keymap={"inside_view_2": "t", "inside_view_6": ""}))
    app = Host(lambda shared, host: InsideScreen(shared, TEXT), InsideEngine(), loaded)
    async with app.run_test(size=(80, 24)) as pilot:
        await shows(app, pilot, "[1 Walk] t Tokens", " Lens", "key t lists them")
        await pilot.press("t")
        await shows(app, pilot, "[t Tokens]")


async def test_keys_choose_token_head_and_layer() -> None:
    engine = InsideEngine()
    async with opened(engine) as (app, pilot):
        await pilot.press("4", "left", "right_square_bracket")
        await shows(app, pilot, "layer 0 of 0-1, head 1 of 0-1, token 1 of 0-2: の", "From token 1")
        await pilot.press("right_square_bracket")
        await shows(app, pilot, "Layer 1, head 0")
        await pilot.press("plus")
        await shows(app, pilot, "Layer 0, head 0")
        await pilot.press("f")
        await shows(app, pilot, "To token 1")
        asked = [(a.layer, a.head) for a in engine.inside if isinstance(a, ShowAttention)]
        assert {(0, 1), (1, 0), (0, 0)} >= set(asked)
        # What was answered is not asked again.
        assert sum(isinstance(ask, ShowHeads) for ask in engine.inside) == 1


async def test_an_altered_model_is_marked_and_undone_with_one_key() -> None:
    engine = InsideEngine()
    async with opened(engine) as (app, pilot):
        await pilot.press("7", "a", "b", "x")
        await shows(app, pilot, "ALTERED: head 0.0 off, layer 0 off, token 2 cut out")
        await shows(app, pilot, "25.00%", "was 75.00%")
        assert engine.inside[-1].change in (
            Change(),
            Change(heads=[(0, 0)], layers=[0], cut=[2]),
        )
        await pilot.press("a")
        await shows(app, pilot, "ALTERED: layer 0 off, token 2 cut out")
        await pilot.press("u", "u", "u", "u")
        await until(pilot, lambda: "ALTERED" not in seen(app))
        await pilot.press("u")
        await shows(app, pilot, "The model is not altered")


async def test_a_patch_takes_another_text() -> None:
    engine = InsideEngine()
    async with opened(engine) as (app, pilot):
        await pilot.press("plus", "p")
        await shows(app, pilot, "Another text")
        await pilot.press("a", "b", "enter")
        await shows(app, pilot, "ALTERED: layer 1 at token 2")
        patch = Patch(text="ab", layer=1, source=2, position=2)
        await until(pilot, lambda: any(ask.change.patch == patch for ask in engine.inside))


async def test_words_are_followed_and_compared() -> None:
    engine = InsideEngine()
    async with opened(engine) as (app, pilot):
        await pilot.press("w")
        await shows(app, pilot, "Words to follow")
        await pilot.press(*"c,d", "enter")
        await pilot.press("6")
        await until(pilot, lambda: any(isinstance(ask, ShowLens) for ask in engine.inside))
        await pilot.press("7")
        await until(pilot, lambda: any(isinstance(ask, ShowAttribution) for ask in engine.inside))
        lens = next(ask for ask in engine.inside if isinstance(ask, ShowLens))
        two = next(ask for ask in engine.inside if isinstance(ask, ShowAttribution))
        assert lens.words == ["c", "d"]
        assert (two.a, two.b) == ("c", "d")


async def test_what_cannot_be_shown_is_said_in_words() -> None:
    refusal = Error(kind="unable", message="m cannot show single heads.", hint="Use GPT-2.")
    async with opened(InsideEngine(refusal)) as (app, pilot):
        await shows(app, pilot, "m cannot show single heads. Use GPT-2.")
        await pilot.press("4", "a", "x", "b", "left", "plus", "escape")
        await until(pilot, lambda: app.results == [None])

"""Texts that are read, what comes next while writing, other models, and how tokens were drawn."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from msgspec import structs
from textual.widgets import Input

from engine.messages import GREEDY, Alternative, Cancel, Continue, Piece, Trace
from tests.support.fake_engine import TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.app import TsuzukiApp
from tui.cards import ContinueCard
from tui.screens.compare import CompareScreen
from tui.screens.dialogs import Ask
from tui.screens.samplers import SamplersScreen


def tells(app: TsuzukiApp, told: str) -> bool:
    """Whether this is on the screen, however its line breaks."""
    return told in " ".join(seen(app).split())


async def test_a_text_is_read_instead_of_gone_on_from(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+u", *"abc", "ctrl+f")
        await answered(pilot, app)
        (asked,) = engine.tasks()
        assert isinstance(asked, Continue)
        assert (asked.prompt, asked.begin, asked.max_tokens) == ("", "abc", 0)
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        assert (card.wrote, card.branches[0].text) == ("abc", "abc")
        assert "not continued" in seen(app)
        await pilot.press("shift+tab", "e")
        assert pane(app).composers[0].text == "abc"


async def test_a_file_is_read(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    (tmp_path / "t.txt").write_text("ab\n")
    (tmp_path / "latin.txt").write_bytes(b"caf\xe9")
    async with running(app) as pilot:
        for name, told in (
            ("none.txt", "There is no file"),
            ("latin.txt", "is not UTF-8 text"),
            ("nul\0.txt", "There is no file"),
        ):
            await pilot.press("ctrl+u", "ctrl+f")
            await until(pilot, lambda: isinstance(app.screen, Ask))
            app.screen.query_one(Input).value = str(tmp_path / name)
            await pilot.press("enter")
            await until(pilot, partial(tells, app, told))
        assert engine.tasks() == []
        await pilot.press("ctrl+f")
        await until(pilot, lambda: isinstance(app.screen, Ask))
        app.screen.query_one(Input).value = str(tmp_path / "t.txt")
        await pilot.press("enter")
        await answered(pilot, app)
        (asked,) = engine.tasks()
        assert isinstance(asked, Continue)
        assert (asked.begin, asked.max_tokens, asked.boundaries) == ("ab", 0, True)


async def test_the_figures_tell_how_they_came_about(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app, size=(150, 30)) as pilot:
        await pilot.press("ctrl+u", *"a b", "ctrl+f")
        await answered(pilot, app)
        assert "bits/word (words by spaces)" in seen(app)
        assert "first token not counted" in seen(app)
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        card.prompt_tokens = [Piece(id=0, text="", piece="<s>", special=True)]
        branch = card.branches[0]
        branch.tokens = [structs.replace(t, boundary=-0.5) for t in branch.tokens]
        branch.boundary = -0.25
        await pilot.press("shift+tab", "f")
        assert "bits/word (words by spaces, word ends counted)" in seen(app)
        assert "read after <s>" in seen(app)
        branch.tokens[0] = structs.replace(branch.tokens[0], boundary=None)
        await pilot.press("f", "f")
        assert "bits/word (words by spaces, word ends not counted)" in seen(app)
        await pilot.press("tab", *"more", "enter")
        await answered(pilot, app, 2)
        asked = pane(app).transcript.cards[-1].request
        assert isinstance(asked, Continue)
        assert asked.boundaries  # as long as the switch is on
        assert "after the prompt" in seen(app)


async def test_the_details_are_leafed_through_from_the_cards(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right")
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        tokens = card.branches[0].tokens
        top = [Alternative(id=n, text=f"w{n}", logprob=-n / 4) for n in range(30)]
        tokens[0] = structs.replace(tokens[0], top=top, piece="▁とても")
        await pilot.press("full_stop")
        assert "▁とても" in seen(app)
        assert "w0" in seen(app)
        assert "w29" not in seen(app)
        await pilot.press(*["full_stop"] * 5)
        assert "w29" in seen(app)
        await pilot.press("comma", *["comma"] * 5)
        assert "w0" in seen(app)
        await pilot.press(*["full_stop"] * 5, "right", "left")
        assert "w0" in seen(app)  # another token is shown from its beginning


async def test_heat_goes_through_its_measures_with_bars_for_each_token(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab")
        for name in ("surprisal", "probability", "entropy", "rank"):
            await pilot.press("v")
            assert f"{name}" in seen(app)
        rows = [line.strip("▌ ") for line in seen(app).splitlines()]
        # Ranks 1, 2 and 3 in turn: the first step, then the one up to ten.
        assert "▁▂▂▁▂▂▁▂" in rows
        await pilot.press("v")
        assert "▁▂▂▁▂▂▁▂" not in seen(app)


async def test_what_comes_next_follows_the_keys(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+u", "ctrl+d", "a")
        await until(pilot, lambda: bool(engine.live))
        await pilot.press("b")
        # A busy machine asks about the empty text and the "a" too.
        await until(pilot, lambda: getattr(engine.tasks()[-1], "prompt", "") == "ab")
        second = engine.tasks()[-1]
        assert isinstance(second, Continue)
        assert (second.prompt, second.max_tokens, second.sampling) == ("ab", 1, GREEDY)
        assert any(isinstance(asked, Cancel) for asked in engine.asked)
        for event in engine.events(second):
            engine.live[-1].put(event)
        await until(pilot, lambda: "1 とても" in seen(app))
        assert pane(app).transcript.cards == []
        await pilot.press("ctrl+d")
        assert "1 とても" not in seen(app)


async def test_another_model_is_asked_the_same_and_both_are_shown(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app, size=(100, 30)) as pilot:
        await pilot.press("ctrl+u", *"abc", "ctrl+f")
        await answered(pilot, app)
        await pilot.press("shift+tab", "m")
        await pilot.press("down", "enter")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await until(pilot, lambda: "3 shared spans" in seen(app))
        one, other = engine.tasks()
        assert isinstance(other, Continue)
        assert (other.begin, other.max_tokens) == ("abc", 0)
        assert other.model != one.model
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "1 of 3" in seen(app))


async def test_each_side_tells_what_it_was_scored_after(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("ctrl+u", *"abc", "ctrl+f")
        await answered(pilot, app)
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        card.prompt_tokens = [Piece(id=0, text="", piece="<|endoftext|>", special=True)]
        await pilot.press("shift+tab", "m", "down", "enter")
        await until(pilot, lambda: "read after <|endoftext|>" in seen(app))
        row = next(row for row in seen(app).splitlines() if "read after" in row)
        assert "first token not counted" in row


async def test_how_a_token_was_drawn_is_shown_step_by_step(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", *["right"] * 4, "z")
        await until(pilot, lambda: isinstance(app.screen, SamplersScreen))
        await until(pilot, lambda: "impossible from here on" in seen(app))
        (asked,) = [body for body in engine.asked if isinstance(body, Trace)]
        assert (asked.ids, asked.watch, asked.branch) == ([7, 0, 1, 2], 3, 0)
        assert "25.00% removed" in seen(app)
        assert "the token that is there" in seen(app)
        await pilot.press("e")
        await pilot.press("backspace", *"1.5", "enter")
        await until(pilot, lambda: len([b for b in engine.asked if isinstance(b, Trace)]) == 2)
        again = [body for body in engine.asked if isinstance(body, Trace)][-1]
        assert again.sampling.temperature == 1.5
        assert again.sampling.seed == asked.sampling.seed


async def test_a_text_is_made_again_and_compared(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "p")
        await until(pilot, lambda: "The same text" in seen(app))
        card = pane(app).transcript.card
        assert isinstance(card, ContinueCard)
        card.branches[0].tokens[2] = card.branches[0].tokens[3]
        await pilot.press("p")
        await until(pilot, lambda: "Differs in branch 1, token 3" in seen(app))
        assert len(pane(app).transcript.cards) == 1

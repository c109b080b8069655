"""Swapping, stepping and trees, by their keys."""

from __future__ import annotations

from pathlib import Path

from textual.pilot import Pilot

from engine.messages import Cancel, Continue, Find, NBest
from tests.support.fake_engine import TaskEngine, answered, make, pane, running, token
from tests.support.screen_host import seen, until
from tests.support.streaming import streaming
from tui.app import TsuzukiApp
from tui.cards import ContinueCard
from tui.cards.refs import BranchToken
from tui.screens.compare import CompareScreen
from tui.screens.likeliest import LikeliestScreen
from tui.screens.swap import Swap
from tui.screens.tree import TreeScreen


async def at_a_token(pilot: Pilot[None], app: TsuzukiApp, index: int) -> None:
    """Run the first draft and stand on a token of its answer."""
    await pilot.press("enter")
    await answered(pilot, app)
    await pilot.press("shift+tab", *["right"] * (index + 1))


def shown(app: TsuzukiApp) -> ContinueCard:
    card = pane(app).transcript.card
    assert isinstance(card, ContinueCard)
    return card


async def test_a_digit_forks_the_text_in_its_place(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await at_a_token(pilot, app, 2)
        before = shown(app)
        await pilot.press("2")
        await answered(pilot, app)
        fork = engine.tasks()[-1]
        assert isinstance(fork, Continue)
        assert (fork.prompt, fork.begin, fork.max_tokens) == ([7, 0, 1], [99], 43)
        assert pane(app).transcript.cards == [shown(app)]
        assert shown(app).branches[0].text.startswith("とても静か<99>とても")
        assert pane(app).transcript.ref == BranchToken(0, 2)
        await pilot.press("less_than_sign")
        assert shown(app) is before
        await pilot.press("1")  # the token that stands there
        assert "already there" in seen(app)
        assert len(engine.tasks()) == 2


async def test_a_swap_stops_the_text_that_is_being_written(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        answer = await streaming(pilot, engine)
        for number in range(3):
            answer.put(token(f"w{number}", number))
        await until(pilot, lambda: "w2" in seen(app))
        await pilot.press("shift+tab", "right", "2")
        await until(pilot, lambda: len(engine.live) == 2)
        assert any(isinstance(asked, Cancel) for asked in engine.asked)


async def test_any_word_of_the_vocabulary_can_be_searched_for(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await at_a_token(pilot, app, 1)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, Swap))
        assert "別" in seen(app)
        await pilot.press("c", "a", "t")
        await until(pilot, lambda: "2 pcs" in seen(app))
        asked = [body for body in engine.asked if isinstance(body, Find)][-1]
        assert (asked.ids, asked.query) == ([7, 0], "cat")
        await pilot.press("enter")
        await answered(pilot, app)
        fork = engine.tasks()[-1]
        assert isinstance(fork, Continue)
        assert fork.begin == [41, 42]


async def test_step_by_step_a_text_is_written_by_hand(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await at_a_token(pilot, app, 0)
        await pilot.press("space")
        await answered(pilot, app)
        step = engine.tasks()[-1]
        assert isinstance(step, Continue)
        assert (step.prompt, step.max_tokens) == ([7, *range(8)], 1)
        assert len(shown(app).branches[0].tokens) == 9
        assert pane(app).transcript.ref == BranchToken(0, 8)
        await pilot.press("2")
        await answered(pilot, app)
        swap = engine.tasks()[-1]
        assert isinstance(swap, Continue)
        assert (swap.begin, swap.max_tokens) == ([99], 0)
        await pilot.press("space")
        await answered(pilot, app)
        assert [t.id for t in shown(app).branches[0].tokens] == [*range(8), 99, 0]
        assert shown(app).request.max_tokens == 1


async def test_the_tree_is_walked_named_pruned_and_compared(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app, size=(100, 30)) as pilot:
        await at_a_token(pilot, app, 2)
        first = shown(app)
        await pilot.press("2")
        await answered(pilot, app)
        await pilot.press("right", "3")
        await answered(pilot, app)
        last = shown(app)
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen))
        assert "3 paths" in seen(app)
        await pilot.press("m", "r")
        await pilot.press(*"mine", "enter")
        await until(pilot, lambda: "[mine]" in seen(app))
        assert (last.name, last.bookmarked) == ("mine", True)
        await pilot.press("v", "up", "v")
        await until(pilot, lambda: isinstance(app.screen, CompareScreen))
        await pilot.press("escape", "up", "up", "space")
        await until(pilot, lambda: "1 path" in seen(app))
        await pilot.press("space", "down", "d")
        await until(pilot, lambda: "1 path" in seen(app))
        await pilot.press("u")
        await until(pilot, lambda: "3 paths" in seen(app))
        await pilot.press("home", "enter")
        await until(pilot, lambda: app.at_panes)
        assert shown(app) is first


async def test_a_deleted_fork_gives_way_to_what_it_came_from(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await at_a_token(pilot, app, 2)
        first = shown(app)
        await pilot.press("2")
        await answered(pilot, app)
        fork = shown(app)
        await pilot.press("d")
        assert shown(app) is first
        await pilot.press("u")
        assert shown(app) is fork


async def test_leaps_go_to_words_sentences_and_surprises(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await at_a_token(pilot, app, 0)
        view = pane(app).transcript
        await pilot.press("w")
        assert view.ref == BranchToken(0, 1)  # とても|静か
        await pilot.press("right_parenthesis")
        assert view.ref == BranchToken(0, 7)  # after 。
        await pilot.press("left_parenthesis")
        assert view.ref == BranchToken(0, 0)
        await pilot.press("right_square_bracket")
        assert view.ref == BranchToken(0, 5)  # the first of 4 bits or more


async def test_the_likeliest_ways_on_become_branches_or_the_text(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app, size=(100, 30)) as pilot:
        await at_a_token(pilot, app, 2)
        await pilot.press("g")
        await until(pilot, lambda: "5 paths, 96.88% of the probability" in seen(app))
        await pilot.press("left")
        await until(pilot, lambda: "3 tokens long" in seen(app))
        await pilot.press("plus")
        await until(pilot, lambda: "10 paths, 99.90% of the probability" in seen(app))
        await pilot.press("minus")
        await until(pilot, lambda: "5 paths" in seen(app))
        asked = [body for body in engine.asked if isinstance(body, NBest)]
        assert [(body.n, body.max_tokens) for body in asked] == [(5, 4), (5, 3), (10, 3), (5, 3)]
        assert asked[-1].prompt == [7, 0, 1]
        await pilot.press("t")
        await until(pilot, lambda: isinstance(app.screen, TreeScreen) and "6 paths" in seen(app))
        forks = [body for body in engine.tasks() if isinstance(body, Continue)][1:]
        assert [fork.begin for fork in forks] == [[n] * 3 for n in range(1, 6)]
        assert {fork.max_tokens for fork in forks} == {0}
        await pilot.press("escape", "g")
        await until(
            pilot, lambda: isinstance(app.screen, LikeliestScreen) and "5 paths" in seen(app)
        )
        await pilot.press("down", "enter")
        await until(pilot, lambda: app.at_panes)
        last = engine.tasks()[-1]
        assert isinstance(last, Continue)
        assert (last.begin, last.max_tokens) == ([2] * 4, 43)


async def test_the_likeliest_ways_on_from_the_end_are_those_of_the_text_there(
    tmp_path: Path,
) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "g")
        await until(pilot, lambda: "5 paths" in seen(app))
        asked = [body for body in engine.asked if isinstance(body, NBest)]
        assert asked[-1].prompt == [7, *range(8)]
        await pilot.press("escape")
        assert app.at_panes

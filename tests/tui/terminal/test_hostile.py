"""What a model, a file or a clipboard holds never reaches the terminal as a command to it."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from msgspec import structs

from engine.messages import (
    Alternative,
    BranchDone,
    Candidate,
    Continue,
    Done,
    Error,
    Event,
    Fill,
    FillResult,
    Find,
    Hidden,
    JointFill,
    JointFills,
    JointMethod,
    MaskFill,
    PairTable,
    PmiDirection,
    PmiResult,
    PseudoLikelihood,
    PseudoLikelihoodResult,
    Score,
    ScoredToken,
    Token,
    Trace,
    WordScore,
)
from tests.support.fake_engine import (
    Asked,
    TaskEngine,
    answered,
    make,
    pane,
    pieces,
    running,
    started,
)
from tests.support.screen_host import model, seen, until
from tui.cards.drafts import Draft
from tui.screens.pair_table import PairTableScreen
from tui.terminal.sanitise import HOSTILE

METHODS: tuple[JointMethod, ...] = get_args(JointMethod)
EVIL = "\x1b]0;owned\x07\x9b31m\u202e\x7f\r\u2028"
NASTY = f"bad{EVIL}"


class EvilEngine(TaskEngine):
    """Every text it sends tries to command the terminal."""

    def events(self, body: Asked) -> list[Event]:
        match body:
            case Find() | Trace():
                return super().events(body)
            case Continue():
                token = Token(
                    branch=0,
                    id=1,
                    text=NASTY,
                    logprob=-1.0,
                    sampled_logprob=-1.0,
                    rank=1,
                    entropy=1.0,
                    top=[Alternative(id=1, text=NASTY, logprob=-1.0)],
                )
                done = BranchDone(branch=0, finish="length", tail=EVIL)
                return [
                    started(body),
                    token,
                    done,
                    Error(kind="internal", message=NASTY, hint=EVIL),
                ]
            case Fill():
                mask = MaskFill(
                    position=1,
                    candidates=[Candidate(id=1, text=NASTY, prob=0.5)],
                    hidden=Hidden(word=NASTY, pieces=1, prob=0.25, rank=2),
                    words=[
                        WordScore(text=NASTY, ids=[1], logprob=-1.0, rank=2),
                        WordScore(text=NASTY, ids=[], logprob=None, rank=None),
                    ],
                    whole=[WordScore(text=NASTY, ids=[1, 2], logprob=-1.0, rank=2)],
                )
                filling = JointFill(words=[NASTY], ids=[1], logprob=-1.0)
                joint = [JointFills(method=method, fillings=[filling]) for method in METHODS]
                word = Candidate(id=1, text=NASTY, prob=0.5)
                table = PairTable(
                    left=[word], right=[word], left_first=[[-1.0]], right_first=[[-1.0]]
                )
                tokens = pieces(f"{NASTY} [MASK]")
                return [
                    FillResult(
                        model=body.model,
                        method="mlm",
                        text=NASTY,
                        tokens=tokens,
                        masks=[mask],
                        joint=joint,
                        table=table,
                    ),
                    Done(),
                ]
            case PseudoLikelihood():
                return [
                    structs.replace(
                        event, tokens=[structs.replace(t, text=NASTY) for t in event.tokens]
                    )
                    if isinstance(event, PseudoLikelihoodResult)
                    else event
                    for event in super().events(body)
                ]
            case Score():
                scored = ScoredToken(id=1, text=NASTY, conditional=-1.0, alone=-2.0)
                way = PmiDirection(1.0, 1.0, -1.0, -2.0, [scored])
                return [
                    PmiResult(
                        model=body.model,
                        bits=1.0,
                        bits_per_token=1.0,
                        logprob_conditional=-1.0,
                        logprob_alone=-2.0,
                        tokens=[scored],
                        reversed=way,
                        join=" ",
                        start=NASTY,
                    ),
                    Done(),
                ]
            case _:
                return super().events(body)


async def test_no_widget_draws_what_a_terminal_would_obey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = model(
        f"evil{EVIL}",
        title=NASTY,
        roles=["continue", "fill", "score"],
        heads=["causal", "masked"],
        state="ready",
    )
    app = make(tmp_path, EvilEngine([evil]))
    # Without the second line of defence: the first has to hold alone.
    monkeypatch.setattr(app, "get_line_filters", list)
    async with running(app, (160, 40)) as pilot:
        for name, here in app.panes.items():
            second = NASTY if name == "score" else ""
            here.put(Draft(model=evil.id, text=f"{NASTY} [MASK]", second=second, hidden=(NASTY,)))
            await pilot.press({"continue": "f2", "fill": "f3", "score": "f4"}[name])
            here.composers[-1].focus()
            await pilot.press("enter")
            await answered(pilot, app)
            await pilot.press("shift+tab", "right", "c")
            await pilot.pause()
            assert "bad␛" in seen(app)
            assert not HOSTILE.search(seen(app).replace("\n", ""))
            for opened in ("f7", "f8"):
                await pilot.press(opened)
                await pilot.pause()
                assert not HOSTILE.search(seen(app).replace("\n", ""))
                await pilot.press("escape")
        await pilot.press("f3")
        for count, second in ((2, ""), (3, f"{NASTY} first")):
            pane(app).put(Draft(model=evil.id, text=f"{NASTY} last", second=second))
            pane(app).focus_composer()
            await pilot.press("enter")
            await answered(pilot, app, count)
            await pilot.press("shift+tab", "right")
            await pilot.pause()
            assert not HOSTILE.search(seen(app).replace("\n", ""))
        await pilot.press("home", "x")
        await until(pilot, lambda: isinstance(app.screen, PairTableScreen))
        await until(pilot, lambda: "bad␛" in seen(app))
        assert not HOSTILE.search(seen(app).replace("\n", ""))
        await pilot.press("escape")
        engine_says = Error(kind="worker_died", message=NASTY, hint=EVIL)
        app._engine_state("restarting", engine_says)
        app._job_ended(NASTY, "error")
        await pilot.pause()
        assert not HOSTILE.search(seen(app).replace("\n", ""))


async def test_cards_keep_the_raw_text(tmp_path: Path) -> None:
    app = make(tmp_path, EvilEngine())
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        assert pane(app).transcript.cards[0].answer == NASTY + EVIL


async def test_the_last_filter_cleans_what_slips_past(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        pane(app).notice("slipped \x1b[31m past")
        await until(pilot, lambda: "slipped" in seen(app))
        filters = app.get_line_filters()
        assert any(type(each).__name__ == "HostileFilter" for each in filters)
        assert "\x1b" not in app.export_screenshot()

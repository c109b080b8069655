"""W on a card tracks words through its text."""

from __future__ import annotations

import math
from pathlib import Path

from textual.pilot import Pilot
from textual.widgets import Input

from engine.client import Answer
from engine.messages import Done, Error, Request, ScoredBy, TrackedText, TrackedWord, TrackWords
from tests.support.fake_engine import TaskEngine, answered, make, pane, running
from tests.support.screen_host import seen, until
from tui.app import TsuzukiApp
from tui.cards import ContinueCard, PllCard


class TrackingEngine(TaskEngine):
    """Finds each word a quarter as likely as the one before it in the list."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: Error | None = None
        self.waits = False

    def tracked(self) -> list[TrackWords]:
        return [body for body in self.asked if isinstance(body, TrackWords)]

    def request(self, body: Request) -> Answer:
        if not isinstance(body, TrackWords):
            fails, self.fails = self.fails, None
            answer = super().request(body)
            self.fails = fails
            return answer
        self.asked.append(body)
        answer = Answer(lambda: self._cancel(body, answer))
        answer.put(ScoredBy(model=body.model, revision="r", method="causal", start=None))
        text = body.texts[0]
        count = len(text) + 1 if isinstance(text, list) else len(text.split())
        words = [
            TrackedWord(
                word=word,
                ids=[n],
                logprobs=[-math.log(2) * (2 * n + place % 8) for place in range(count)],
                ranks=[n + place for place in range(count)],
            )
            for n, word in enumerate(body.words, 1)
        ]
        if self.waits:
            return answer
        if self.fails is not None:
            answer.put(TrackedText(index=0, error=self.fails))
        else:
            answer.put(TrackedText(index=0, words=words))
        answer.put(Done())
        return answer


async def track(app: TsuzukiApp, pilot: Pilot[None], words: str) -> None:
    await pilot.press("W")
    await until(pilot, lambda: not app.at_panes)
    app.screen.query_one(Input).value = words
    await pilot.press("enter")
    await until(pilot, lambda: app.at_panes)


async def test_words_are_tracked_through_a_continuation_by_its_ids(tmp_path: Path) -> None:
    engine = TrackingEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right", "right")
        await track(app, pilot, "he, she")
        (card,) = pane(app).transcript.cards
        assert isinstance(card, ContinueCard)
        await until(pilot, lambda: card.tracked is not None)
        await until(pilot, lambda: "probability of the word here" in seen(app))
        ids = card.path(0, len(card.branches[0].tokens))
        (asked,) = engine.tracked()
        assert (asked.texts, asked.words) == ([ids], ["he", "she"])
        assert card.tracked is not None
        # The place of the prompt's own token is left out.
        assert card.tracked.words[0].ranks[:2] == [2, 3]
        rows = [row.split() for row in seen(app).splitlines()]
        assert ["▌", "he", "▅"] in [row[:3] for row in rows]
        assert ["▌", "+/-", "+"] in [row[:3] for row in rows]
        await pilot.press("f6")
        await until(pilot, lambda: "rank 3" in seen(app))
        assert "1st - 2nd" in seen(app) and "+2.00 bits" in seen(app)
        await pilot.press("escape", "shift+tab", "right")
        await track(app, pilot, "")
        await until(pilot, lambda: "probability of the word here" not in seen(app))


async def test_words_are_tracked_through_a_judged_text(tmp_path: Path) -> None:
    engine = TrackingEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        pane(app).composers[0].fill("The nurse said it")
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right")
        await track(app, pilot, "he")
        (card,) = pane(app).transcript.cards
        assert isinstance(card, PllCard)
        await until(pilot, lambda: "probability of the word here" in seen(app))
        assert engine.tracked()[0].texts == ["The nurse said it"]


async def test_what_is_refused_is_a_notice_and_the_card_stays(tmp_path: Path) -> None:
    engine = TrackingEngine()
    engine.fails = Error(kind="too_long", message="Too long.", hint="Cut it.")
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "right")
        await track(app, pilot, "he")
        await until(pilot, lambda: "Too long. Cut it." in seen(app))
        assert pane(app).transcript.cards[0].status == "done"
        engine.waits = True
        await track(app, pilot, "he")
        await until(pilot, lambda: len(engine.tracked()) == 2)
        await pilot.press("escape")
        await until(pilot, lambda: "stopped" in seen(app))

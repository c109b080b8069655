"""The desk for a text of many sentences, by its keys."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot

from engine.client import Answer
from engine.messages import Document, Request
from tests.support import fake_engine
from tests.support.fake_engine import TaskEngine, make, running
from tests.support.screen_host import seen, until
from tui.app import TsuzukiApp
from tui.cards import DocumentCard
from tui.config.settings import Settings
from tui.screens.document import DocumentScreen
from tui.screens.matrix import MatrixScreen

TEXT = "It was a long day. We sat. The river is cold. No."
FIRST, SECOND, THIRD, LAST = TEXT.replace(". ", ".|").split("|")


@asynccontextmanager
async def opened(
    app: TsuzukiApp, written: str = TEXT, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    async with running(app, size) as pilot:
        await pilot.press("f4")
        pane = fake_engine.pane(app)
        pane.composers[0].fill(written)
        pane.composers[0].focus()
        await pilot.press("ctrl+d")
        await until(pilot, lambda: isinstance(app.screen, DocumentScreen))
        await until(pilot, lambda: card(app).status != "running")
        await pilot.pause()
        yield pilot


def card(app: TsuzukiApp) -> DocumentCard:
    found = fake_engine.pane(app).transcript.cards[-1]
    assert isinstance(found, DocumentCard)
    return found


def sentences(app: TsuzukiApp) -> list[str]:
    """The list, each sentence without what stands before it."""
    rows = seen(app).splitlines()[2:]
    return [next(each for each in (FIRST, SECOND, THIRD, LAST) if each in row) for row in rows[:4]]


def asked(engine: TaskEngine) -> list[Document]:
    return [body for body in engine.asked if isinstance(body, Document)]


async def settled(pilot: Pilot[None], app: TsuzukiApp) -> None:
    await until(pilot, lambda: card(app).result is not None and card(app).status == "done")
    await pilot.pause()


async def test_the_sentences_stand_below_each_other_with_their_scores(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with opened(app):
        assert asked(engine) == [Document(model="starter-en", text=TEXT)]
        rows = seen(app).splitlines()
        assert "Document: 4 sentences, starter-en" in rows[0]
        assert sentences(app) == [FIRST, SECOND, THIRD, LAST]
        assert "-11.00" in rows[2]
        assert "+11.00" in rows[3]
        assert "█" * 14 in rows[3]  # the highest
        assert "█" not in rows[4]  # the lowest
        assert "●" in rows[2]  # where a segment ends
        assert "○" in rows[3]  # where the text marks it
        assert "Pk 0.25, WindowDiff 0.50" in seen(app)
        assert "1: depth 1.00, the other way round +11.00" in seen(app)


async def test_no_line_is_wider_than_the_screen_and_ascii_is_ascii(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(ascii=True))
    async with opened(app) as pilot:
        assert seen(app).isascii()
        assert "##############" in seen(app)
        await pilot.press("m")
        await until(pilot, lambda: "12 of 12" in seen(app))
        assert seen(app).isascii()


async def test_moving_asks_for_the_new_order_and_undo_goes_back(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with opened(app) as pilot:
        await pilot.press("down", "right_square_bracket")
        await settled(pilot, app)
        assert sentences(app) == [FIRST, THIRD, SECOND, LAST]
        # Blank lines stay where they are.
        assert asked(engine)[-1] == Document(
            model="starter-en", text=[FIRST, THIRD, SECOND, LAST], reference=[1]
        )
        assert "Mean -5.00, now -5.00." in seen(app)
        await pilot.press("left_square_bracket")  # the cursor went with the sentence
        await settled(pilot, app)
        assert sentences(app) == [FIRST, SECOND, THIRD, LAST]
        await pilot.press("u")
        await settled(pilot, app)
        assert sentences(app) == [FIRST, THIRD, SECOND, LAST]
        await pilot.press("u")
        await settled(pilot, app)
        await pilot.press("u")
        await until(pilot, lambda: "no order to go back to" in seen(app))
        await pilot.press("home", "left_square_bracket")  # no place above the first
        assert sentences(app) == [FIRST, SECOND, THIRD, LAST]


class Held(TaskEngine):
    """Keeps what it answers to documents back after the first."""

    def request(self, body: Request) -> Answer:
        if isinstance(body, Document) and self.of(Document):
            self.asked.append(body)
            answer = Answer(lambda: self._cancel(body, answer))
            self.live.append(answer)
            return answer
        return super().request(body)

    def of(self, kind: type[Request]) -> list[Request]:
        return [body for body in self.asked if isinstance(body, kind)]


async def test_what_is_known_is_seen_before_the_answer(tmp_path: Path) -> None:
    app = make(tmp_path, Held())
    async with opened(app) as pilot:
        await pilot.press("down", "down", "right_square_bracket")
        await until(pilot, lambda: sentences(app) == [FIRST, SECOND, LAST, THIRD])
        rows = seen(app).splitlines()
        assert "-11.00" in rows[2]  # the first two are neighbours still
        assert "." not in rows[3].split(SECOND)[0]  # these are not known
        await pilot.press("x")
        await until(pilot, lambda: card(app).status == "cancelled")


async def test_leaving_stops_and_the_card_opens_again(tmp_path: Path) -> None:
    engine = Held()
    app = make(tmp_path, engine)
    async with opened(app) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MatrixScreen))
        await pilot.press("escape", "escape")
        await until(pilot, lambda: app.at_panes and card(app).status == "cancelled")
        assert not app.shared.running
        assert "4 sentences, 2 segments" in seen(app)
        await pilot.press("shift+tab", "o")
        await until(pilot, lambda: isinstance(app.screen, DocumentScreen))
        await until(pilot, lambda: len(asked(engine)) == 3)


async def test_best_place_and_better_order_move_and_tell(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with opened(app) as pilot:
        await pilot.press("b")  # this engine likes the last place best
        await until(pilot, lambda: "Best place: 4" in seen(app))
        assert asked(engine)[-2].place == 0
        assert sentences(app) == [SECOND, THIRD, LAST, FIRST]
        await pilot.press("b")
        await until(pilot, lambda: "It is already at its best place." in seen(app))
        await pilot.press("o")
        await until(pilot, lambda: "The best order of all." in seen(app))
        assert sentences(app) == [LAST, SECOND, THIRD, FIRST]
        assert "topic more than order" in " ".join(seen(app).split())
        await pilot.press("o")
        await until(pilot, lambda: "No better order" in seen(app))


async def test_the_matrix_fills_and_its_cells_show_their_sentences(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with opened(app) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: "12 of 12 cells" in seen(app))
        assert "1 then 2: -11.00, the other way round +11.00" in seen(app)
        await pilot.press("down", "right", "right")
        await until(pilot, lambda: "2 then 4: -4.00" in seen(app))
        assert SECOND in seen(app) and LAST in seen(app)
        await pilot.press("escape")
        await until(pilot, lambda: "above 75.0 % of 1000 shuffles" in seen(app))


async def test_a_large_matrix_scrolls_with_its_cursor(tmp_path: Path) -> None:
    app = make(tmp_path)
    written = " ".join("a" * number + "." for number in range(1, 41))
    async with opened(app, written) as pilot:
        await pilot.press("m")
        await until(pilot, lambda: "1560 of 1560" in seen(app))
        await pilot.press("end", "pagedown", "pagedown", "pagedown", "pagedown", "up")
        await until(pilot, lambda: "39 then 40: +1.00" in seen(app))
        rows = seen(app).splitlines()
        assert rows[1].split()[-1] == "40"
        assert max(map(len, rows)) <= 80


async def test_a_file_is_opened_by_its_name(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(TEXT + "\n", encoding="utf-8")
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with opened(app, str(path)):
        assert asked(engine) == [Document(model="starter-en", text=TEXT)]


@pytest.mark.parametrize(
    ("content", "told"), [(b"\xff\xfd", "not UTF-8"), (None, "Write or paste")]
)
async def test_what_cannot_be_opened_is_told(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    app = make(tmp_path)
    path = tmp_path / "text.txt"
    if content is not None:
        path.write_bytes(content)
    async with running(app, (200, 30)) as pilot:
        await pilot.press("f4")
        for composer in fake_engine.pane(app).composers:
            composer.fill("" if content is None else str(path))
        fake_engine.pane(app).composers[0].focus()
        await pilot.press("ctrl+d")
        await until(pilot, lambda: told in seen(app))
        assert app.at_panes


async def test_an_offer_that_is_taken_opens_the_text(tmp_path: Path) -> None:
    written = "東京は雨です。傘を買いました。"
    engine = TaskEngine()
    engine.unknown["starter-en"] = 0.5
    app = make(tmp_path, engine)
    async with running(app, (200, 30)) as pilot:
        await pilot.press("f4")
        fake_engine.pane(app).composers[1].fill(written)
        fake_engine.pane(app).composers[1].focus()
        await pilot.press("ctrl+d")
        await until(pilot, lambda: "unknown to starter-en" in seen(app))
        assert not asked(engine)
        await pilot.press("ctrl+g")
        await until(pilot, lambda: asked(engine) == [Document(model="starter-ja", text=written)])


async def test_a_refusal_is_told_on_the_desk(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with opened(app, "One.") as pilot:
        assert "The text has 1 sentence. Write more." in seen(app)
        await pilot.press("left_square_bracket", "b", "o", "m", "u")
        await pilot.press("escape")
        await until(pilot, lambda: app.at_panes)
        assert card(app).status == "failed"


async def test_the_card_stays_with_the_session_and_is_exported(tmp_path: Path) -> None:
    settings = Settings(export_folder=str(tmp_path / "out"))
    app = make(tmp_path, settings=settings)
    async with opened(app) as pilot:
        await pilot.press("right_square_bracket")
        await settled(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: "Saved to" in seen(app))
        (path,) = (tmp_path / "out").iterdir()
        content = path.read_text(encoding="utf-8")
        assert f"| 2 | `{SECOND}` | 11 | 1 | segment ends |" in content
        assert "- WindowDiff: 0.5" in content
    again = make(tmp_path)
    async with running(again) as pilot:
        await pilot.press("f4")
        await until(pilot, lambda: bool(fake_engine.pane(again).transcript.cards))
        kept = card(again)
        assert kept.answer == "\n".join([SECOND, FIRST, THIRD, LAST])
        assert kept.earlier == [[0, 1, 2, 3]]
        await pilot.press("shift+tab", "o")
        await until(pilot, lambda: isinstance(again.screen, DocumentScreen))
        await until(pilot, lambda: sentences(again) == [SECOND, FIRST, THIRD, LAST])


async def test_a_card_that_is_run_again_answers_among_the_cards(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with opened(app) as pilot:
        await pilot.press("escape", "shift+tab", "r")
        await fake_engine.answered(pilot, app, 2)
        assert asked(engine)[0] == asked(engine)[1]
        assert seen(app).count("4 sentences, 2 segments, mean -5.00 nats") == 2
        await pilot.press("d")
        await until(pilot, lambda: len(fake_engine.pane(app).transcript.cards) == 1)

"""The panes over an engine that says what a test needs."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from textual.events import Key, Paste
from textual.widgets import OptionList

from engine.messages import (
    GREEDY,
    Beside,
    BranchDone,
    Cancel,
    Continue,
    Done,
    Error,
    Fill,
    Pull,
    Score,
    Turn,
)
from tests.tui.hosts import model, seen, until
from tests.tui.tasks import (
    MODELS,
    TaskEngine,
    answered,
    make,
    mutual,
    pane,
    running,
    started,
    token,
)
from tui.cards import ContinueCard, ScoreCard
from tui.panes.dialogs import Picker
from tui.settings import Settings


async def test_the_first_draft_of_each_pane_is_one_enter_from_its_answer(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        for key in ("f2", "f3", "f4"):
            await pilot.press(key, "enter")
            await answered(pilot, app)
    ja, fill, score = engine.tasks()
    assert ja == Continue(
        model="starter-ja", prompt="羽田空港に到着、東京の街は", sampling=GREEDY, max_tokens=43
    )
    assert fill == Fill(
        model="starter-en",
        text="I played [MASK] with my friends at school yesterday",
        hidden=["baseball"],
    )
    assert score == Score(
        model="starter-en",
        a="What is baseball ?",
        b="It is a geme of hitting the ball with the bat.",
        cosine=True,
    )


async def test_prompt_answer_and_facts_stand_on_the_card(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        screen = seen(app)
    assert "羽田空港に到着、東京の街はとても静かで、夜は明るい。" in screen
    assert "8 tokens · 40.0 tok/s · first 0.12 s" in screen
    assert "greedy" in screen
    assert "40.0 tok/s" in screen.splitlines()[0]


async def test_after_the_example_a_draft_is_drawn_as_the_settings_say(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine, Settings(max_tokens=12))
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"hi", "f5")
        await answered(pilot, app, 2)
        assert "seed 1234" in seen(app)
    first, second = engine.tasks()
    assert isinstance(first, Continue)
    assert isinstance(second, Continue)
    assert (first.sampling.greedy, first.max_tokens) == (True, 43)
    assert (second.sampling.greedy, second.max_tokens, second.prompt) == (False, 12, "hi")


async def test_text_streams_and_escape_keeps_what_came(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        request = engine.tasks()[0]
        assert isinstance(request, Continue)
        answer = engine.live[0]
        answer.put(started(request))
        answer.put(token("とても", 1))
        await until(pilot, lambda: "街はとても" in seen(app))
        assert "writing" in seen(app)
        await pilot.press("escape")
        await answered(pilot, app)
        await until(pilot, lambda: "stopped" in seen(app))
        assert "街はとても" in seen(app)
    assert any(isinstance(body, Cancel) for body in engine.asked)


async def test_ctrl_c_stops_when_nothing_is_selected_and_copies_when_something_is(
    tmp_path: Path,
) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        await pilot.press("ctrl+c")
        await answered(pilot, app)
        await pilot.press(*"word", "shift+home", "ctrl+c")
        assert app.clipboard == "word"
        assert "OSC 52" in seen(app)


async def test_a_dead_worker_costs_a_notice_and_no_text(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        request = engine.tasks()[0]
        assert isinstance(request, Continue)
        engine.live[0].put(started(request))
        engine.live[0].put(token("とても", 1))
        death = Error(kind="worker_died", message="The worker died.", hint="Run it again.")
        engine.restart(death)
        engine.live[0].put(death)
        await answered(pilot, app)
        await until(pilot, lambda: "街はとても" in seen(app))
        screen = seen(app)
        assert "interrupted" in screen
        assert "starting again" in screen
        engine.recover()
        await until(pilot, lambda: "was started again" in seen(app))


async def test_a_failure_is_told_on_its_card_with_what_to_do(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        engine.live[0].put(Error(kind="too_long", message="Too \x1b[31mlong.", hint="Cut it."))
        await answered(pilot, app)
        await until(pilot, lambda: "Too ␛[31mlong." in seen(app))
        assert "Cut it." in seen(app)


async def test_up_recalls_earlier_prompts_and_down_goes_forward(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"two", "enter")
        await answered(pilot, app, 2)
        box = pane(app).composers[0]
        await pilot.press("up")
        assert box.text == "two"
        await pilot.press("up")
        assert box.text == "羽田空港に到着、東京の街は"
        await pilot.press("up", "down")
        assert box.text == "two"
        await pilot.press("down")
        assert box.text == ""


async def test_ctrl_j_breaks_a_line_and_enter_can_be_made_to(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(enter_sends=False))
    async with running(app) as pilot:
        box = pane(app).composers[0]
        box.fill("a")
        await pilot.press("ctrl+j", "b", "enter", "c")
        assert box.text == "a\nb\nc"
        await pilot.press("f5")
        await answered(pilot, app)


async def test_the_inspector_follows_the_tokens(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "f6", "right", "right")
        await pilot.pause()
        screen = seen(app)
        assert "静か" in screen
        assert "token 2 of 8" in screen
        assert "36.79%" in screen  # exp(-1)
        assert "1.44 bits" in screen  # 1 nat
        assert "2.89 bits" in screen  # 2 nats of entropy
        assert "␣x⏎" in screen
        await pilot.press("left")
        await pilot.pause()
        assert "token 1 of 8" in seen(app)
        await pilot.press("escape")
        assert not pane(app).inspector.display
        await pilot.press("escape")
        assert app.focused is pane(app).composers[0]


async def test_on_a_wide_screen_the_inspector_stands_beside_the_cards(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app, (120, 30)) as pilot:
        assert pane(app).inspector.display
        assert pane(app).inspector.region.x > pane(app).transcript.region.x
        await pilot.press("f6")
        assert not pane(app).inspector.display


async def test_a_card_can_be_run_again_edited_gone_on_from_and_deleted(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "r")
        await answered(pilot, app, 2)
        assert engine.tasks()[0] == engine.tasks()[1]
        await pilot.press("n")
        await answered(pilot, app, 3)
        onward = engine.tasks()[2]
        assert isinstance(onward, Continue)
        assert onward.prompt == [7, *range(8)]
        last = pane(app).transcript.cards[2]
        assert last.wrote == "羽田空港に到着、東京の街はとても静かで、夜は明るい。\nそして"
        await pilot.press("home", "d")
        assert len(pane(app).transcript.cards) == 2
        await pilot.press("u")
        assert len(pane(app).transcript.cards) == 3
        assert pane(app).transcript.cards[0].id == pane(app).transcript.chosen
        await pilot.press("e")
        assert pane(app).composers[0].text == "羽田空港に到着、東京の街は"
        assert pane(app).draft.sampling == GREEDY


async def test_a_card_is_copied_and_saved(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(export_folder=str(tmp_path / "out")))
    async with running(app, (100, 24)) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "c")
        assert app.clipboard == "とても静かで、夜は明るい。\nそして"
        await pilot.pause()
        assert "OSC 52" in seen(app)
        await pilot.press("s")
        (saved,) = (tmp_path / "out").iterdir()
        assert "とても静かで" in saved.read_text(encoding="utf-8")


async def test_one_key_masks_the_word_and_shows_it_again(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3")
        box = pane(app).composers[0]
        box.fill("we play tennis")
        await pilot.press("ctrl+f")
        assert box.text == "we play [MASK]"
        await pilot.press(*" now", "enter")
        await answered(pilot, app)
        box.fill("we play [MASK]")
        await pilot.press("ctrl+f")
        assert box.text == "we play [MASK]"  # nobody knows what this one hides
        box.fill("odd")
        await pilot.press("ctrl+f", "ctrl+f")
        assert box.text == "odd"
        box.fill("")
        await pilot.press("enter")
        await pilot.pause()
        assert "no mask" in seen(app)
    (request,) = engine.tasks()
    assert isinstance(request, Fill)
    assert (request.text, request.hidden) == ("we play [MASK] now", ["tennis"])


async def test_fill_shows_every_candidate_with_its_number(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3", "enter")
        await answered(pilot, app)
        screen = seen(app)
    assert " 1 tennis   ██████" in screen
    assert "50.00%" in screen
    assert "you hid baseball: 25.00%, rank 2" in screen


async def test_score_takes_two_sentences(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        assert "93.75%" in seen(app)
        assert "A→B margin +2.75 nats" in seen(app)
        assert "Same topic; none here judges the order." in seen(app)
        assert "cosine of mean states" in seen(app)
        a, b = pane(app).composers
        assert app.focused is a
        await pilot.press(*"One", "enter")
        assert app.focused is b
        await pilot.press(*"Two", "up")
        assert app.focused is a
        await pilot.press("down", "enter")
        await answered(pilot, app, 2)
    assert engine.tasks()[1] == Score(model="starter-en", a="One", b="Two", cosine=True)


@pytest.mark.parametrize(("written", "side"), [((" ", "B"), "A"), (("A", ""), "B")])
async def test_an_empty_side_is_named(written: tuple[str, str], side: str, tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f4")
        for composer, each in zip(pane(app).composers, written, strict=True):
            composer.fill(each)
        await pilot.press("f5")
        await until(pilot, lambda: f"Sentence {side} is empty" in seen(app))
    assert engine.tasks() == []


async def test_a_second_model_is_a_witness_on_the_same_card(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app, size=(80, 48)) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "m")
        await until(pilot, lambda: isinstance(app.screen, Picker))
        options = app.screen.query_one(OptionList)
        assert next(option.id for option in options.options) == "starter-ja"
        await pilot.press("enter")
        await until(pilot, lambda: "mutual information" in seen(app))
        assert len(pane(app).transcript.cards) == 1
        screen = seen(app)
        assert "next sentence: topic, hardly order · starter-en" in screen
        assert "mutual information: topic and order · starter-ja" in screen
        assert "A→B  +4.30 bits   +2.15 a token" in screen
        assert "Same topic; the reverse order is likelier." in screen
    asked = engine.tasks()[1]
    assert isinstance(asked, Score)
    assert asked.beside == [Beside(model="starter-ja")]


async def test_the_tokens_that_did_it_are_walked_in_both_orders(tmp_path: Path) -> None:
    app = make(tmp_path, TaskEngine())
    async with running(app, size=(80, 48)) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        transcript = pane(app).transcript
        card = transcript.card
        assert isinstance(card, ScoreCard)
        card.result, card.others = mutual("starter-ja"), []
        transcript.update_card(card.id, "", None)
        await pilot.press("shift+tab", "f6", "right")
        await until(pilot, lambda: "after A" in seen(app))
        screen = seen(app)
        assert "1.44 bits" in screen
        assert "7.21 bits" in screen
        assert "+5.77 bits" in screen
        # Of the first token 4 bits and more are saved, of the second it costs one.
        assert "▅▁" in screen
        await pilot.press("right", "right")
        await until(pilot, lambda: "after B" in seen(app))
        assert "+11.54 bits" in seen(app)
        await pilot.press("right")
        await until(pilot, lambda: "not scored" in seen(app))


async def test_a_pair_is_set_against_shuffles_with_a_key(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f4", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "percent_sign")
        await until(pilot, lambda: "above 95 % of 20 shuffles of B's words" in seen(app))
        assert len(pane(app).transcript.cards) == 1
    assert [body.shuffles for body in engine.tasks() if isinstance(body, Score)] == [0, 20]


async def test_a_text_the_model_does_not_know_gets_an_offer_first(tmp_path: Path) -> None:
    engine = TaskEngine()
    engine.unknown["starter-en"] = 0.9
    app = make(tmp_path, engine)
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
    engine = TaskEngine()
    engine.unknown["starter-ja"] = 0.9
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        pane(app).composers[0].fill("Once upon a time")
        await pilot.press("enter")
        await until(pilot, lambda: "SmolLM2 (92.9 MB)" in seen(app))
        await pilot.press("enter")
        await answered(pilot, app)
    (request,) = engine.tasks()
    assert isinstance(request, Continue)
    assert request.model == "starter-ja"


async def test_an_accepted_pull_runs_the_draft_when_the_model_is_here(tmp_path: Path) -> None:
    engine = TaskEngine()
    engine.unknown["starter-ja"] = 0.9
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        pane(app).composers[0].fill("Once upon a time")
        await pilot.press("enter")
        await until(pilot, lambda: "SmolLM2" in seen(app))
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


async def test_a_list_of_models_that_is_still_coming_fills_itself(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        known, app.link.models = app.link.models, {}
        await pilot.press("f7")
        await until(pilot, lambda: "the list comes in a moment" in seen(app))
        await pilot.press("enter")  # there is nothing to choose yet
        assert isinstance(app.screen, Picker)
        app.link.models = known
        await until(pilot, lambda: "smollm2" in seen(app))
        assert "the list comes in a moment" not in seen(app)
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
        await until(pilot, lambda: "must be >= 0.0" in seen(app))
        await pilot.press("down", *"x")
        await until(pilot, lambda: "must be a whole number" in seen(app))
        await pilot.press("backspace", "0", "up", "enter")
        assert "How the model is run" in seen(app)  # a wrong value is not taken
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


async def test_branches_stand_below_their_prompt_with_their_numbers(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(branches=3))
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app)
        await pilot.press(*"hi", "enter")
        await answered(pilot, app, 2)
        lines = [line.strip() for line in seen(app).splitlines()]
    assert "hi" in lines
    assert [line for line in lines if line.startswith(("1 とても", "2 とても", "3 とても"))]


async def test_a_chat_makes_the_cards_above_its_turns(tmp_path: Path) -> None:
    chatty = model("chatty", roles=["continue"], chat=True, state="ready")
    engine = TaskEngine([*MODELS, chatty])
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "no chat template" in seen(app))
        pane(app).use_model("chatty")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: "Chat is on" in seen(app))
        await app.run_action("system_prompt", pane(app))
        await pilot.press(*"Be", "enter")
        for text in ("Hello", "More"):
            pane(app).composers[0].fill(text)
            await pilot.press("enter")
            await answered(pilot, app, 1 if text == "Hello" else 2)
    first, second = engine.tasks()
    assert isinstance(first, Continue)
    assert isinstance(second, Continue)
    assert first.chat == [Turn("system", "Be")]
    answer = "とても静かで、夜は明るい。\nそして"
    assert second.chat == [Turn("system", "Be"), Turn("user", "Hello"), Turn("assistant", answer)]
    assert second.prompt == "More"


async def test_pasted_and_pressed_controls_are_made_visible(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        box = pane(app).composers[0]
        box.fill("")
        box.post_message(Paste("a\x1b]0;x\x07\r\nb\u202e"))
        await until(pilot, lambda: bool(box.text))
        assert box.text == "a␛]0;x␇\nb\ufffd"


@pytest.mark.parametrize("size", [(80, 24), (40, 10), (20, 5), (5, 2), (1, 1), (200, 50)])
async def test_any_size_is_survived(tmp_path: Path, size: tuple[int, int]) -> None:
    app = make(tmp_path)
    async with running(app, size) as pilot:
        for key in ("f2", "f3", "f4"):
            await pilot.press(key, "enter")
            await answered(pilot, app)
            await pilot.press("shift+tab", "right", "f6", "ctrl+s", "escape", "f7", "escape")
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert "B→A margin -1.12 nats" in seen(app)


async def test_everything_is_there_at_the_next_start(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        request = engine.tasks()[0]
        assert isinstance(request, Continue)
        engine.live[0].put(started(request))
        engine.live[0].put(token("とても", 1))
        await until(pilot, lambda: "街はとても" in seen(app))
        await pilot.press(*"next")
        await pilot.press("f3")
        pane(app).composers[0].fill("a [MASK] b")
        await pilot.press("ctrl+q")
    again = make(tmp_path)
    async with running(again) as pilot:
        assert "街はとても" in seen(again)
        assert "interrupted" in seen(again)
        card = pane(again).transcript.cards[0]
        assert isinstance(card, ContinueCard)
        assert card.branches[0].tokens[0].rank == 2
        assert pane(again).composers[0].text == "next"
        await pilot.press("f3")
        assert pane(again).composers[0].text == "a [MASK] b"
        await pilot.press("ctrl+n")
        assert pane(again).composers[0].text == ""
        await pilot.press("f2")
        assert pane(again).transcript.cards == []


async def test_a_branch_that_ends_with_half_a_character_shows_it_once(tmp_path: Path) -> None:
    engine = TaskEngine(hold=True)
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("enter")
        await until(pilot, lambda: bool(engine.live))
        request = engine.tasks()[0]
        assert isinstance(request, Continue)
        for event in (
            started(request),
            token("夜", 1),
            BranchDone(branch=0, finish="length", tail="\ufffd"),
            Done(),
        ):
            engine.live[0].put(event)
        await answered(pilot, app)
        await until(pilot, lambda: "街は夜\ufffd" in seen(app))
        assert seen(app).count("\ufffd") == 1


async def test_keys_that_come_in_a_burst_keep_their_order(tmp_path: Path) -> None:
    app = make(tmp_path)
    burst = [*"bc", "home", *"a", "end", "ctrl+j", *"dx", "left", "delete", *"e", "up", *"!"]
    async with running(app) as pilot:
        await pilot.press("ctrl+u")
        for key in burst:  # a slow line delivers many at once
            app.post_message(Key(key, key if len(key) == 1 else None))
        await until(pilot, lambda: "!" in pane(app).composers[0].text)
        await pilot.pause()
        assert pane(app).composers[0].text == "ab!c\nde"


async def test_a_candidate_is_put_in_its_place_until_none_is_left(tmp_path: Path) -> None:
    engine = TaskEngine()
    app = make(tmp_path, engine)
    async with running(app) as pilot:
        await pilot.press("f3", "ctrl+u", *"I play [MASK] and [MASK]", "enter")
        await answered(pilot, app)
        await pilot.press("shift+tab", "2")
        await until(pilot, lambda: len(engine.tasks()) == 2)
        await answered(pilot, app, 2)
        again = engine.tasks()[-1]
        assert isinstance(again, Fill)
        assert again.text == "I play baseball and [MASK]"
        await pilot.press("9")
        assert "no candidate 9" in seen(app)
        await pilot.press("1")
        assert pane(app).composers[0].text == "I play baseball and tennis"

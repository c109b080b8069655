"""Prompts: text, ids, nothing at all, and chats that must fit."""

from __future__ import annotations

import msgspec
import pytest

from engine.decoding.prompting import Prompt, lay_out
from engine.errors import EngineError
from engine.messages import Continue, Turn
from tests.support.fake_models import (
    END,
    OTHER_END,
    START,
    VOCABULARY,
    ByteTokenizer,
    FunctionModel,
    dreaming,
    loaded,
)
from tui.strings import worded

TURNS = [
    Turn("system", "be"),
    Turn("user", "one"),
    Turn("assistant", "two"),
    Turn("user", "three"),
    Turn("assistant", "four"),
]


def prompt(
    request: Continue,
    *,
    tokenizer: ByteTokenizer | None = None,
    context: int | None = None,
    vocabulary: int = VOCABULARY,
    start_token: str | None = None,
) -> Prompt:
    causal = FunctionModel(dreaming, context, vocabulary)
    return lay_out(loaded(causal, tokenizer, start_token), causal, request)


def refusal(
    request: Continue,
    *,
    tokenizer: ByteTokenizer | None = None,
    context: int | None = None,
    vocabulary: int = VOCABULARY,
) -> str:
    with pytest.raises(EngineError) as caught:
        prompt(request, tokenizer=tokenizer, context=context, vocabulary=vocabulary)
    assert worded(caught.value.event.hint)
    return f"{caught.value.event.kind}: {worded(caught.value.event.message)}"


def ids(laid_out: Prompt) -> list[int]:
    return [piece.id for piece in laid_out.pieces]


def chat(turns: list[Turn], text: str = "now", max_tokens: int = 10) -> Continue:
    return Continue(model="fake", prompt=text, chat=turns, max_tokens=max_tokens)


def test_text_and_ids_mean_the_same() -> None:
    by_text = prompt(Continue(model="fake", prompt="日本"))
    by_ids = prompt(Continue(model="fake", prompt=[*"日本".encode()]))
    assert by_text == by_ids
    assert by_text.text == "日本"


@pytest.mark.parametrize("number", [-1, VOCABULARY, 10**9])
def test_ids_outside_the_vocabulary_are_refused(number: int) -> None:
    refused = refusal(Continue(model="fake", prompt=[1, number]))
    assert refused.startswith("bad_request")
    assert str(number) in refused


def test_tokens_that_the_model_has_no_row_for_are_refused() -> None:
    refused = refusal(Continue(model="fake", prompt=[1, END]), vocabulary=END)
    assert refused.startswith("unable")


@pytest.mark.parametrize("empty", ["", []])
def test_nothing_begins_with_the_start_token(empty: str | list[int]) -> None:
    assert ids(prompt(Continue(model="fake", prompt=empty))) == [START]


def test_the_catalogues_start_token_comes_first() -> None:
    empty = Continue(model="fake", prompt="")
    assert ids(prompt(empty, start_token="<other end>")) == [OTHER_END]
    assert ids(prompt(empty, start_token="<unheard of>")) == [START]


def test_nothing_without_a_start_token_is_refused() -> None:
    refused = refusal(Continue(model="fake", prompt=""), tokenizer=ByteTokenizer(start=None))
    assert refused.startswith("bad_request")


def test_a_prompt_must_leave_room_for_a_token() -> None:
    assert len(prompt(Continue(model="fake", prompt="x" * 9), context=10).pieces) == 9
    for length, too_many in ((10, 1), (30, 21)):
        request = Continue(model="fake", prompt="x" * length)
        with pytest.raises(EngineError) as caught:
            prompt(request, context=10)
        assert caught.value.event.kind == "too_long"
        assert str(length) in worded(caught.value.event.message)
        assert f"by {too_many} token" in worded(caught.value.event.hint)


# -------------------------------------------------------------------------------- chat

TEMPLATE = ByteTokenizer(template=True)
WHOLE = "sbeuoneatwouthreeafourunow"


def test_a_chat_is_laid_out_by_the_template() -> None:
    laid_out = prompt(chat(TURNS), tokenizer=TEMPLATE)
    assert (laid_out.text, laid_out.dropped_turns) == (WHOLE, 0)
    assert ids(laid_out) == [*WHOLE.encode()]
    assert prompt(chat([]), tokenizer=TEMPLATE).text == "unow"


@pytest.mark.parametrize(
    ("context", "text", "dropped"),
    [
        (36, WHOLE, 0),
        (35, "sbeuthreeafourunow", 2),
        (28, "sbeuthreeafourunow", 2),
        (27, "sbeunow", 4),
        (17, "sbeunow", 4),
    ],
)
def test_the_oldest_turns_go_until_the_answer_fits(context: int, text: str, dropped: int) -> None:
    laid_out = prompt(chat(TURNS), tokenizer=TEMPLATE, context=context)
    assert (laid_out.text, laid_out.dropped_turns) == (text, dropped)


def test_an_answer_that_never_fits_does_not_empty_the_chat() -> None:
    laid_out = prompt(chat(TURNS, max_tokens=1000), tokenizer=TEMPLATE, context=52)
    assert (laid_out.text, laid_out.dropped_turns) == (WHOLE, 0)
    laid_out = prompt(chat(TURNS, max_tokens=1000), tokenizer=TEMPLATE, context=40)
    assert (laid_out.text, laid_out.dropped_turns) == ("sbeuthreeafourunow", 2)


def test_a_chat_that_cannot_fit_at_all_is_too_long() -> None:
    assert refusal(chat(TURNS), tokenizer=TEMPLATE, context=7).startswith("too_long")


def test_a_chat_without_a_template_is_refused() -> None:
    assert refusal(chat(TURNS)).startswith("unable")


def test_a_chat_goes_on_with_text() -> None:
    request = Continue(model="fake", prompt=[1, 2], chat=[])
    assert refusal(request, tokenizer=TEMPLATE).startswith("bad_request")


def test_what_the_answer_begins_with_follows_the_prompt() -> None:
    whole = prompt(Continue(model="fake", prompt="ab", begin="cd"))
    assert (ids(whole), whole.begin) == (list(b"ab"), list(b"cd"))
    assert prompt(Continue(model="fake", prompt="ab", begin=[99])).begin == [99]


def test_a_text_alone_is_read_after_the_start_token_or_its_own_first() -> None:
    request = Continue(model="fake", prompt="", begin="cd", max_tokens=0)
    after_start = prompt(request, start_token="<s>")
    assert (ids(after_start), after_start.begin) == ([START], list(b"cd"))
    alone = prompt(request, tokenizer=ByteTokenizer(start=None))
    assert (ids(alone), alone.begin) == (list(b"c"), list(b"d"))


def test_a_text_to_read_may_fill_the_context_and_its_last_token_is_not_fed() -> None:
    request = Continue(model="fake", prompt="abc", begin="def", max_tokens=0)
    assert prompt(request, context=6).begin == list(b"def")
    assert "too_long" in refusal(request, context=5)
    assert "too_long" in refusal(msgspec.structs.replace(request, max_tokens=1), context=6)


def test_given_ids_are_checked_like_a_prompts() -> None:
    request = Continue(model="fake", prompt="a", begin=[VOCABULARY])
    assert "bad_request" in refusal(request)

from __future__ import annotations

from engine.messages import Message
from tui.strings import listed, use, worded


def test_a_reason_is_written_inside_its_sentence() -> None:
    why = Message.of("reason.lacks", names=Message.of("reason.some", first="a.weight", more=2))
    assert (
        worded(Message.of("unloadable.message", model="gpt2", why=why))
        == "gpt2 cannot be loaded: its weight files lack a.weight and 2 more"
    )


def test_the_front_formats_numbers_in_its_own_way() -> None:
    given = {"length": 203, "model": "m", "context": 128, "excess": 1}
    assert worded(Message.of("text_too_long.hint", **given)) == "Shorten it by 1 token or more."
    room = worded(Message.of("over_budget.message", model="m", needed=1_300_000_000, budget=999))
    assert "about 1.3 GB" in room and "is 999 B." in room


def test_a_text_may_stand_for_a_number_that_could_not_be_sent() -> None:
    message = Message.of("reason.longer", name="vocab_size", value=10**30, longest=1000)
    assert worded(message) == f"vocab_size is {10**30}, and no tensor is longer than 1,000"


def test_sentences_make_one_line_and_old_ones_stay_as_they_are() -> None:
    assert worded("It ended.", "", Message.of("restarted.hint")) == (
        "It ended. Try again once it is ready."
    )


def test_braces_in_what_a_file_holds_are_no_placeholders() -> None:
    message = Message.of("no_such_model.message", model="{0}{x!r}")
    assert worded(message) == 'There is no model "{0}{x!r}".'


def test_a_message_of_another_version_is_shown_by_its_id() -> None:
    assert worded(Message.of("of_the_future.message", n=3)) == "of_the_future.message (n 3)"


def test_a_list_is_separated_as_the_language_has_it() -> None:
    message = Message.of("no_such_witness.hint", given=["cosine", "pmi_bits"])
    assert worded(message) == "It has cosine, pmi_bits."
    use("ja")
    assert worded(message) == "あるのは cosine、pmi_bits です。"
    assert listed(["exact", "int8"]) == "exact、int8"

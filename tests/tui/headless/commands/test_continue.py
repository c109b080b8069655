from __future__ import annotations

import shlex
import signal

import pytest
from msgspec import structs

from engine.messages import Continue, Error, ModelState, Sampling, Tokenize, Tokens, Turn
from tests.support.sample_events import DONE, end, started, token
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki


def test_plain_text_is_the_continuation_and_nothing_else(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    loading = ModelState(model="starter-ja", state="loading", stage="weights", percent=40.0)
    engine.scripts[Continue] = [loading, started(), token("です"), token("。"), end(), DONE]

    result = tsuzuki("continue", "春")

    assert (result.code, result.out, result.err) == (0, "です。\n", "")
    assert engine.asked == [
        Continue(model="starter-ja", prompt="春", sampling=Sampling(), max_tokens=64, top=0)
    ]


def test_text_held_back_until_the_end_is_printed(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Continue] = [started(), token("で"), end(tail="\ufffd"), DONE]

    assert tsuzuki("continue", "春").out == "で\ufffd\n"


def test_verbose_narrates_on_standard_error(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    loading = ModelState(model="starter-ja", state="loading", stage="weights", percent=40.0)
    engine.scripts[Tokenize] = [Tokens(model="starter-ja", tokens=[], unknown=0.0, foreign=0.2)]
    engine.scripts[Continue] = [loading, started(), token("です"), end(), DONE]

    result = tsuzuki("continue", "春", "--verbose")

    assert result.out == "です\n"
    assert "Loading starter-ja  weights\n" in result.err
    assert "seed 7" in result.err
    assert "20.0 tok" in result.err
    assert "is unknown to" not in result.err


def test_branches_that_come_interleaved_are_printed_one_below_the_other(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Continue] = [
        started(),
        token("あ", 0),
        token("か", 1),
        token("い", 0),
        token("き", 1),
        end(1),
        token("う", 0),
        end(0),
        DONE,
    ]

    result = tsuzuki("continue", "春", "--n", "2")

    assert result.out == "[1/2]\nあいう\n\n[2/2]\nかき\n"


def test_the_document_has_the_promised_fields(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Continue] = [
        started(),
        token("で", 0),
        token("a", 1),
        end(0),
        end(1, "eos"),
        DONE,
    ]

    document = tsuzuki("continue", "春", "--n", "2", "--json", "--model", "starter-ja").json

    told = {
        "logprob": -0.5,
        "rank": 2,
        "entropy": 1.5,
        "top": [
            {"id": 1, "text": "a", "logprob": -0.25},
            {"id": 2, "text": "b", "logprob": -0.5},
        ],
        "sampled_logprob": -0.25,
    }
    assert document == {
        "model": "starter-ja",
        "prompt": "春",
        "prompt_tokens": [
            {
                "id": 5,
                "text": "春",
                "piece": "▁春",
                "special": False,
                "start": 0,
                "end": 1,
                "segment": 0,
            }
        ],
        "branches": [
            {"text": "で", "finish": "length", "tokens": [{"id": 1, "text": "で", **told}]},
            {"text": "a", "finish": "eos", "tokens": [{"id": 1, "text": "a", **told}]},
        ],
        "seed": 7,
        "timing": {"load_s": 1.0, "first_token_s": 0.5, "tokens_per_s": 20.0, "total_s": 2.0},
        "revision": "r1",
        "precision": "exact",
        "context": 256,
        "dropped_turns": 0,
        "fed": "春",
    }
    assert list(document)[:6] == [
        "model",
        "prompt",
        "prompt_tokens",
        "branches",
        "seed",
        "timing",
    ]


def test_the_form_of_the_weights_is_asked_for_and_told(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Tokenize] = [Tokens(model="starter-ja", tokens=[], unknown=0.0, foreign=0.0)]
    begun = structs.replace(started(), precision="int8")
    engine.scripts[Continue] = [begun, token("で"), end(), DONE]

    plain = tsuzuki("continue", "春", "--precision", "int8", "-v")
    document = tsuzuki("continue", "春", "--precision", "auto", "--json").json

    assert "starter-ja int8" in plain.err
    assert document["precision"] == "int8"
    asked = [body.precision for body in engine.asked if isinstance(body, Continue)]
    assert asked == ["int8", "auto"]


def test_json_is_utf8_and_not_escaped(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Continue] = [started(), token("🗼"), end(), DONE]

    assert '"text":"🗼"' in tsuzuki("continue", "春", "--json").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_prints_the_partial_document_first(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, number: signal.Signals
) -> None:
    engine.scripts[Continue] = [started(), token("で"), token("す", 1), end(1, "eos"), number]

    result = tsuzuki("continue", "春", "--n", "3", "--json")

    assert result.code == 130
    branches = result.json["branches"]
    assert isinstance(branches, list)
    assert [(branch["text"], branch["finish"]) for branch in branches] == [
        ("で", "cancelled"),
        ("す", "eos"),
        ("", "cancelled"),
    ]
    assert result.json["timing"] == {
        "load_s": None,
        "first_token_s": None,
        "tokens_per_s": None,
        "total_s": None,
    }


def test_an_interrupt_while_the_model_loads_is_a_document_too(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Continue] = [signal.SIGINT]

    result = tsuzuki("continue", "春", "--json")

    assert result.code == 130
    assert result.json["prompt_tokens"] == []
    assert result.json["branches"] == [{"text": "", "finish": "cancelled", "tokens": []}]


def test_an_interrupt_in_plain_text_keeps_what_came(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Continue] = [started(), token("で"), token("す", 1), signal.SIGINT]

    result = tsuzuki("continue", "春", "--n", "2")

    assert (result.code, result.out) == (130, "[1/2]\nで\n\n[2/2]\nす\n")


@pytest.mark.parametrize("options", [[], ["--json"], ["--n", "2"]])
def test_an_error_prints_nothing_on_standard_output(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, options: list[str]
) -> None:
    engine.scripts[Continue] = [
        started(),
        Error(kind="absent_model", message="It is not\nhere.", hint="Pull it."),
    ]

    result = tsuzuki("continue", "春", *options)

    assert (result.code, result.out, result.err) == (1, "", "It is not here.\nPull it.\n")


@pytest.mark.parametrize(
    "error",
    [Error(kind="bad_request", message="No."), Error(kind="unknown_model", message="No.")],
)
def test_what_another_command_line_would_cure_is_wrong_use(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, error: Error
) -> None:
    engine.scripts[Continue] = [error]

    assert tsuzuki("continue", "春").code == 2


def test_greedy_switches_off_what_could_draw(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Continue] = [started(seed=None), end(), DONE]

    document = tsuzuki("continue", "春", "--greedy", "--json").json
    tsuzuki("continue", "春", "--temperature", "0")

    assert document["seed"] is None
    asked = [request for request in engine.asked if isinstance(request, Continue)]
    assert [request.sampling for request in asked] == [Sampling(temperature=0.0, top_p=1.0)] * 2


def test_every_option_reaches_the_request(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Continue] = [started(), end(), DONE]

    tsuzuki(
        *shlex.split(
            "continue --max-tokens 9 --temperature 1.5 --top-k 3 --top-p 0.5 --min-p 0.1 "
            "--typical-p 0.9 --repetition-penalty 1.2 --seed 0 --n 2 --stop 。 --stop 、 "
            "--top 7 --chat --system 簡潔に --model smollm2-135m-instruct -- -春"
        )
    )

    assert engine.asked == [
        Continue(
            model="smollm2-135m-instruct",
            prompt="-春",
            chat=[Turn("system", "簡潔に")],
            sampling=Sampling(
                temperature=1.5,
                top_k=3,
                top_p=0.5,
                min_p=0.1,
                typical_p=0.9,
                repetition_penalty=1.2,
                seed=0,
            ),
            max_tokens=9,
            stop=["。", "、"],
            branches=2,
            top=7,
        )
    ]


def test_chat_without_a_system_prompt_begins_with_the_user(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Continue] = [started(), end(), DONE]

    tsuzuki("continue", "hello", "--chat")

    assert isinstance(request := engine.asked[0], Continue)
    assert request.chat == []


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--max-tokens -1", "--max-tokens -1: must be 0 or more"),
        ("--n 9", "--n 9: must be 8 or less"),
        ("--top-p 0", "--top-p 0.0: must be more than 0"),
        ("--temperature nan", "--temperature nan: must be 0 or more"),
        ("--seed -1", "--seed -1: must be 0 or more"),
        ("--seed 99999999999999999999", "must be 9223372036854775807 or less"),
        ("--top 5000", "--top 5000: must be 1000 or less"),
        ("--max-tokens many", "'many' is not a valid number"),
        ("--greedy --temperature 1", "it does not go with --greedy"),
        ("--system x", "--system goes with --chat"),
        ("--no-such-option", "--no-such-option"),
        ("--max 5", "no option --max"),
    ],
)
def test_wrong_use_says_which_option(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, options: str, complaint: str
) -> None:
    result = tsuzuki("continue", "春", *options.split())

    assert (result.code, result.out) == (2, "")
    assert complaint in result.err
    assert 1 <= result.err.count("\n") <= 2
    assert engine.asked == []

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.tui.headless.conftest import FakeEngine, Tsuzuki
from tui.headless.args import parse
from tui.headless.commands import (
    ContinueCommand,
    DoctorCommand,
    FillCommand,
    OpenApp,
    ScoreCommand,
    TokensCommand,
)
from tui.headless.failure import Failure


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["continue", "--help"]])
def test_help_and_version_answer_without_textual_or_torch(arguments: list[str]) -> None:
    probe = (
        "import sys\nfrom tui.cli import main\n"
        f"try:\n    main({arguments!r})\n"
        "except SystemExit as ending:\n"
        "    loaded = {'textual', 'torch', 'transformers', 'asyncio'} & set(sys.modules)\n"
        "    sys.exit(ending.code or (1 if loaded else 0))\n"
    )
    ended = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "tsuzuki" in ended.stdout


def test_version(tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("--version")

    assert result.code == 0
    assert result.out.startswith("tsuzuki 0.")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["continue"],
        ["fill"],
        ["score"],
        ["tokens"],
        ["models"],
        ["models", "list"],
        ["models", "info"],
        ["models", "pull"],
        ["models", "remove"],
        ["doctor"],
    ],
)
def test_every_command_explains_itself(tsuzuki: Tsuzuki, arguments: list[str]) -> None:
    result = tsuzuki(*arguments, "--help")

    assert (result.code, result.err) == (0, "")
    assert " ".join(["usage: tsuzuki", *arguments]) in result.out


def test_without_a_command_it_is_the_app() -> None:
    assert parse(["--model", "m", "--theme", "light"]) == OpenApp(model="m", theme="light")
    assert parse(["--precision", "auto"]) == OpenApp(precision="auto")
    assert parse([]) == OpenApp()


def test_the_bundled_models_are_the_defaults() -> None:
    continued, filled = parse(["continue", "x"]), parse(["fill", "x"])
    scored, cut = parse(["score", "a", "b"]), parse(["tokens", "x"])

    assert isinstance(continued, ContinueCommand)
    assert isinstance(filled, FillCommand)
    assert isinstance(scored, ScoreCommand)
    assert isinstance(cut, TokensCommand)
    models = [command.model for command in (continued, filled, scored, cut)]
    assert models == ["starter-ja", "starter-en", "starter-en", "starter-ja"]


@pytest.mark.parametrize("words", [["continue", "x"], ["fill", "x"], ["score", "a", "b"]])
def test_a_form_can_be_asked_for_and_exact_is_the_default(words: list[str]) -> None:
    plain, asked = parse(words), parse([*words, "--precision", "int8"])

    assert isinstance(plain, ContinueCommand | FillCommand | ScoreCommand)
    assert isinstance(asked, ContinueCommand | FillCommand | ScoreCommand)
    assert (plain.precision, asked.precision) == ("exact", "int8")


def test_common_options_stand_before_or_after_the_command() -> None:
    expected = DoctorCommand(config="f", verbose=True, network=False, json=False)

    assert parse(["--config", "f", "-v", "doctor"]) == expected
    assert parse(["doctor", "--config", "f", "-v"]) == expected
    assert parse(["--model", "m", "tokens", "x"]) == parse(["tokens", "x", "--model", "m"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--theme", "light", "fill", "x"], "--theme does not go with"),
        (["--model", "m", "doctor"], "--model does not go with"),
        (["--precision", "int4", "tokens", "x"], "--precision does not go with"),
        (["fill", "x", "--precision", "int3"], "invalid choice: 'int3'"),
        (["sing"], "invalid choice: 'sing'"),
        (["models"], "ACTION"),
        (["score", "a", "b", "c"], "c"),
    ],
)
def test_what_cannot_be_understood(arguments: list[str], complaint: str) -> None:
    with pytest.raises(Failure, match=complaint) as failure:
        parse(arguments)

    assert failure.value.code == 2


def test_the_app_needs_a_terminal(
    engine: FakeEngine, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = tsuzuki()

    assert (result.code, result.out) == (2, "")
    assert "needs a terminal" in result.err
    assert "tsuzuki --help" in result.err


@pytest.mark.parametrize("option", [["--config", "/nowhere.yaml"], ["--config", "/"]])
def test_a_settings_file_that_was_named_must_be_there(tsuzuki: Tsuzuki, option: list[str]) -> None:
    result = tsuzuki("tokens", "x", *option)

    assert (result.code, result.out) == (2, "")
    assert "There is no file" in result.err


def test_bytes_that_are_no_text_are_refused(tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("tokens", "a\udcff")

    assert (result.code, result.out, result.err) == (2, "", "TEXT is not UTF-8 text\n")

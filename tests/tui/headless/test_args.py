from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from engine.messages import (
    Continue,
    Document,
    Done,
    Error,
    Fill,
    ListModels,
    Models,
    PseudoLikelihood,
    Score,
    ScorePairs,
    Tokenize,
    Tokens,
)
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki
from tui.headless.args import parse
from tui.headless.command import OpenApp
from tui.headless.commands import COMMANDS
from tui.headless.commands.continue_ import ContinueCommand
from tui.headless.commands.doctor import DoctorCommand
from tui.headless.commands.fill import FillCommand
from tui.headless.commands.score import ScoreCommand
from tui.headless.commands.tokens import TokensCommand
from tui.terminal.exit_codes import Failure


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], *([*command.split(), "--help"] for command in COMMANDS)],
)
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


@pytest.mark.parametrize("arguments", [[], ["models"], *map(str.split, COMMANDS)])
def test_every_command_explains_itself(tsuzuki: Tsuzuki, arguments: list[str]) -> None:
    result = tsuzuki(*arguments, "--help")

    assert (result.code, result.err) == (0, "")
    assert " ".join(["usage: tsuzuki", *arguments]) in result.out


def test_without_a_command_it_is_the_app() -> None:
    assert parse(["--model", "m", "--theme", "light"]) == OpenApp(model="m", theme="light")
    assert parse(["--precision", "auto"]) == OpenApp(precision="auto")
    assert parse([]) == OpenApp()


@pytest.mark.parametrize(
    ("words", "role"),
    [
        ("continue x", "continue"),
        ("surprisal x", "continue"),
        ("tokens x", "continue"),
        ("fill [MASK]", "fill"),
        ("pll x", "fill"),
        ("pairs FILE", "fill"),
        ("score x y", "score"),
        ("score --file FILE", "score"),
        ("document FILE", "score"),
    ],
)
def test_the_model_is_the_one_that_is_named_or_that_of_the_settings_or_a_bundled_one(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, words: str, role: str
) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("x\ty\n")
    config = tmp_path / "mine.yaml"
    config.write_text("models: {continue: c, fill: f, score: ~/no/s}\n")
    for kind in (Tokenize, Continue, Fill, PseudoLikelihood, Score, ScorePairs, Document):
        engine.scripts[kind] = [Error(kind="unable", message="It ends here.")]
    bundled = {"continue": "starter-ja", "fill": "starter-en", "score": "starter-en"}[role]
    ids = (bundled, role[0], "~/no/s", "named")
    engine.scripts[ListModels] = [Models([model(name) for name in ids])]
    call = [str(file) if word == "FILE" else word for word in words.split()]

    for options in ([], ["--config", str(config)], ["--config", str(config), "--model", "named"]):
        tsuzuki(*call, *options)

    asked = [body.model for body in engine.asked if isinstance(body, Tokenize)]
    assert asked == [bundled, "~/no/s" if role == "score" else role[0], "named"]


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
        (["fill", "x", "--precision", "int3"], "'int3' is none of"),
        (["sing"], "'sing' is none of"),
        (["models"], "ACTION"),
        (["score", "a", "b", "c"], "c"),
    ],
)
def test_what_cannot_be_understood(arguments: list[str], complaint: str) -> None:
    with pytest.raises(Failure, match=complaint) as failure:
        parse(arguments)

    assert failure.value.code == 2


def test_the_app_needs_a_terminal(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, monkeypatch: pytest.MonkeyPatch
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
    for words in (
        ["continue", "x", "--stop", "\udce9"],
        ["continue", "x", "--system", "\udce9"],
        ["fill", "[MASK]", "--words", "\udce9"],
        ["document", "x", "--reference", "\udce9"],
        ["tokens", "x", "--model", "\udce9"],
        ["score", "--text", "\udce9", "--text", "x"],
    ):
        assert (tsuzuki(*words).err, tsuzuki(*words).code) == (
            f"{words[2] if words[0] != 'score' else '--text'} is not UTF-8 text\n",
            2,
        )


@pytest.mark.parametrize("name", ["nosuch.txt", "./nosuch", "/no/such", "~nosuch/x", "a b.md"])
@pytest.mark.parametrize(
    "words",
    [["surprisal"], ["compare"], ["continue"], ["fill"], ["pll"], ["tokens"], ["score", "x"]],
)
def test_a_text_that_looks_like_a_missing_file_is_refused(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, words: list[str], name: str
) -> None:
    result = tsuzuki(*words, name)

    assert (result.code, result.out, engine.configured) == (2, "", [])
    assert f"there is no file {name}" in result.err
    assert "--file" in result.err
    assert "--text" in result.err


def test_a_text_is_taken_as_it_is_or_from_a_file_where_that_is_said(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    engine.scripts[Tokenize] = [Tokens(model="m", tokens=[], unknown=0.0, foreign=0.0), Done()]
    file = tmp_path / "some.txt"
    file.write_text("\ufeffheld\n", encoding="utf-8")

    assert "--file" in tsuzuki("tokens", str(file)).err
    tsuzuki("tokens", "--file", str(file))
    tsuzuki("tokens", "--text=nosuch.txt")
    tsuzuki("tokens", "and/or, a.k.a. U.S.A. 3.5")

    asked = [body.text for body in engine.asked if isinstance(body, Tokenize)]
    assert asked == ["held", "nosuch.txt", "and/or, a.k.a. U.S.A. 3.5"]
    assert tsuzuki("tokens").code == tsuzuki("tokens", "x", "--text", "y").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ["pairs", "f", "--model", "a", "--model", "b"],
        ["--model", "a", "tokens", "x", "--model", "b"],
        ["--config", "a", "tokens", "x", "--config", "b"],
        ["continue", "x", "--seed", "1", "--seed", "2"],
        ["score", "--file", "a", "--file", "b"],
        ["--model", "a", "compare", "x", "--model", "b", "--model", "c"],
        ["--precision", "int8", "bench"],
    ],
)
def test_no_value_is_lost_to_a_second_one(words: list[str]) -> None:
    with pytest.raises(Failure, match=r"--\w+ (is given twice|goes after)") as failure:
        parse(words)

    assert failure.value.code == 2


def test_what_begins_with_a_dash_can_be_given_and_is_told_how() -> None:
    stops = ["continue", "x", "--stop=--", "--stop=-->", "--stop=-x"]
    continued = parse(stops)
    assert isinstance(continued, ContinueCommand)
    assert continued.stop == ["--", "-->", "-x"]
    for text in ("--", "-x", "--help me"):
        cut = parse(["tokens", "--", text])
        assert isinstance(cut, TokensCommand)
        assert cut.text == text
    for words, way in (
        (["continue", "x", "--stop", "-->"], "--stop=VALUE"),
        (["tokens", "-x"], "tokens -- '-x'"),
        (["tokens", "--greeting"], "tokens -- '--greeting'"),
    ):
        with pytest.raises(Failure) as failure:
            parse(words)
        assert way in failure.value.hint


@pytest.mark.parametrize(
    "words",
    [
        ["continue", "x", "--top-k", "9" * 20],
        ["continue", "x", "--max-tokens", "9" * 20],
        ["continue", "x", "--seed", "9" * 20],
        ["continue", "x", "--nbest", "100000"],
        ["document", "x", "--reference", "3," + "9" * 20],
        ["document", "x", "--reference", "0"],
        ["document", "x", "--shuffles", "9" * 20],
        ["fill", "[MASK]", "--top", "9" * 20],
        ["fill", "[MASK]", "--mask", "9" * 20],
    ],
)
def test_numbers_beyond_all_bounds_never_reach_the_engine(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "x").write_text("One. Two.")
    words = [
        str(tmp_path / "x") if word == "x" and words[0] == "document" else word for word in words
    ]
    result = tsuzuki(*words)

    assert (result.code, result.out, engine.configured) == (2, "", [])
    assert words[2] in result.err


def test_the_engine_of_another_machine_is_the_one_that_is_named(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.yaml").write_text(
        "engine: ssh far\nstore: ~nobody-here/models\nmodel_folders: [~/models]\n"
    )
    engine.scripts[ListModels] = [Models([])]
    tsuzuki("models", "list")
    tsuzuki("models", "list", "--engine", "docker exec -i box")
    assert engine.commands == ["ssh far", "docker exec -i box"]
    assert {(each.store, *each.folders) for each in engine.configured} == {
        ("~nobody-here/models", "~/models")  # as the other machine reads them
    }


@pytest.mark.parametrize("command", ["", " ", "'ssh box"])
def test_what_is_no_command_leads_to_no_engine(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, command: str
) -> None:
    refused = tsuzuki("models", "list", "--engine", command)
    assert refused.code == 2 and refused.err.startswith("--engine is not a command")
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "settings.yaml").write_text(f"engine: {json.dumps(command)}\n")
    engine.scripts[ListModels] = [Models([])]
    here = tsuzuki("models", "list", "-v")
    assert here.code == 0 and "engine is not a command" in here.err
    assert engine.commands == [None]

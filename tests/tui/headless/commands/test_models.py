from __future__ import annotations

import signal
from pathlib import Path

import pytest
from msgspec import structs

from engine.messages import (
    Configure,
    Distance,
    Distances,
    Done,
    Error,
    ListModels,
    Measure,
    Models,
    ModelState,
    Pull,
    Remove,
)
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Tsuzuki

ABSENT = model("gpt2", state="absent", source="hub", path=None, bytes=551_000_000, origin="o/gpt2")
KNOWN = Models([model("starter-ja"), ABSENT])


def test_the_list_has_a_line_a_model(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[ListModels] = [KNOWN]

    result = tsuzuki("models", "list")

    assert [line.split() for line in result.out.splitlines()] == [
        ["starter-ja", "on", "disk", "Continue", "ja", "10.6", "MB", "MIT"],
        ["gpt2", "not", "here", "Continue", "ja", "551", "MB", "MIT"],
    ]


def test_the_document_has_the_promised_fields(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[ListModels] = [KNOWN]

    document = tsuzuki("models", "list", "--json").json

    assert list(document) == ["models"]
    assert isinstance(models := document["models"], list)
    assert [list(entry)[:9] for entry in models] == [
        ["id", "roles", "languages", "bytes", "licence", "source", "path", "state", "reason"]
    ] * 2
    assert models[1]["path"] is None


@pytest.mark.parametrize("name", ["gpt2", "o/gpt2"])
def test_one_model_is_described(engine: ScriptedEngine, tsuzuki: Tsuzuki, name: str) -> None:
    engine.scripts[ListModels] = [KNOWN]

    plain = tsuzuki("models", "info", name)
    document = tsuzuki("models", "info", name, "--json").json

    assert ["state", "not", "here"] in [line.split() for line in plain.out.splitlines()]
    assert (document["id"], document["state"]) == ("gpt2", "absent")


def test_what_a_gguf_file_held_is_said_with_the_forms(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[ListModels] = [
        Models([model("small", weights="Q4_1", precisions=["exact", "bf16"])])
    ]

    plain = tsuzuki("models", "info", "small")
    document = tsuzuki("models", "info", "small", "--json").json

    assert "exact of Q4_1, bf16" in plain.out
    assert document["weights"] == "Q4_1"


def test_an_unknown_model_is_wrong_use(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[ListModels] = [KNOWN]

    result = tsuzuki("models", "info", "gtp2")

    assert (result.code, result.out) == (2, "")
    assert "gtp2" in result.err


def test_a_folder_is_described_though_no_setting_names_it(
    engine: ScriptedEngine, tsuzuki: Tsuzuki, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "mine"
    mine.mkdir()
    engine.scripts[ListModels] = [Models([model(str(mine), source="local")])]
    monkeypatch.chdir(tmp_path)

    document = tsuzuki("models", "info", "./mine", "--json").json

    assert document["id"] == str(mine)
    assert isinstance(configure := engine.configured[0], Configure)
    assert configure.folders == [str(mine)]


def test_a_pull_tells_its_steps_and_what_came_of_it(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    progress = [
        ModelState(model="gpt2", state="pulling", stage="x.bin", done=done, total=2_000_000)
        for done in (0, 1_000_000, 2_000_000)
    ]
    engine.scripts[Pull] = [*progress, Done()]
    engine.scripts[ListModels] = [Models([model("gpt2")])]

    result = tsuzuki("models", "pull", "gpt2", "--verbose", "--json")

    assert result.code == 0
    assert result.json["state"] == "on_disk"
    # Lines that cannot be drawn over: one for the step, none for each percent.
    assert result.err == "Pulling gpt2  x.bin\n"
    assert engine.asked[0] == Pull(model="gpt2", allow_pickle=False)


def test_pickles_are_refused_unless_allowed(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Pull] = [Done()]
    engine.scripts[ListModels] = [KNOWN]

    tsuzuki("models", "pull", "gpt2", "--allow-pickle")

    assert engine.asked[0] == Pull(model="gpt2", allow_pickle=True)


def test_a_pull_that_fails(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Pull] = [Error(kind="network", message="No hub.", hint="Look at the cable.")]

    result = tsuzuki("models", "pull", "gpt2", "--json")

    assert (result.code, result.out, result.err) == (1, "", "No hub.\nLook at the cable.\n")


def test_an_interrupted_pull_says_that_it_can_go_on(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Pull] = [signal.SIGINT]

    result = tsuzuki("models", "pull", "gpt2", "--verbose")

    assert (result.code, result.out) == (130, "")
    assert "the same command continues it" in result.err


def test_a_removal_tells_what_is_left(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[Remove] = [Done()]
    engine.scripts[ListModels] = [KNOWN]

    assert tsuzuki("models", "remove", "gpt2", "--json").json["state"] == "absent"
    assert engine.asked.count(Remove(model="gpt2")) == 1


MEASURED = [
    Distance(
        precision="int4",
        kl=9.9e-4,
        top1=0.977,
        perplexity=33.03,
        tokens=1262,
        float_inputs="down",
        speed=2.94,
    ),
    Distance(precision="int8", kl=1.7e-3, top1=0.9739, perplexity=33.11, tokens=1262),
]


def test_the_distance_of_each_form_is_told_where_it_was_measured(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    forms = structs.replace(model("starter-ja"), precisions=["exact", "int8", "int4"])
    engine.scripts[ListModels] = [Models([forms])]
    assert "--measure" in tsuzuki("models", "info", "starter-ja").out
    engine.scripts[ListModels] = [Models([structs.replace(forms, distances=MEASURED)])]
    rows = [line.split() for line in tsuzuki("models", "info", "starter-ja").out.splitlines()]
    assert ["int4", "9.9e-04", "97.7%", "33.03", "1262", "down", "2.9x", "exact"] in rows


def test_forms_are_measured_when_asked(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    forms = structs.replace(model("starter-ja"), precisions=["exact", "int8", "int4"])
    engine.scripts[ListModels] = [Models([forms])]
    engine.scripts[Measure] = [Distances("starter-ja", MEASURED)]
    document = tsuzuki("models", "info", "starter-ja", "--measure", "--json").json
    assert isinstance(document["distances"], list)
    assert [entry["precision"] for entry in document["distances"]] == ["int4", "int8"]

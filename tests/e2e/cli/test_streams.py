"""What goes to which stream, and how the program ends."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pexpect
import psutil
import pytest

from tests.e2e.cli.conftest import PATIENCE_S, PROGRAM, Start, Tsuzuki
from tui.headless.schemas.continue_ import ContinueDocument

PROMPT = "羽田空港に到着、東京の街は"
LONG = ["continue", PROMPT, "--max-tokens", "200", "--n", "8", "--seed", "1"]
"""Far from done when its first token is there."""


def test_the_text_in_a_pipe_is_the_text_in_the_document(tsuzuki: Tsuzuki) -> None:
    options = ["--seed", "6", "--max-tokens", "8"]

    plain = tsuzuki("continue", "-", *options, stdin=f"{PROMPT}\n".encode())
    document = tsuzuki("continue", PROMPT, *options, "--json", "--n", "2")

    # Branch 1 is the same however many there are.
    told = msgspec.json.decode(document.stdout, type=ContinueDocument)
    assert (plain.returncode, plain.stderr) == (0, b"")
    assert plain.stdout.decode() == told.branches[0].text + "\n"
    assert told.seed == 6
    assert [len(branch.tokens) for branch in told.branches] == [8, 8]


def test_a_folder_named_engine_where_the_user_stands_is_left_alone(
    tsuzuki: Tsuzuki, tmp_path: Path
) -> None:
    (tmp_path / "engine").mkdir()
    (tmp_path / "engine" / "__init__.py").write_text("raise SystemExit(3)")

    assert tsuzuki("tokens", "x", cwd=tmp_path).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["continue", "x", "--model", "no-such-model"], 2, "no-such-model"),
        (["continue", "x", "--model", "gpt2"], 1, "tsuzuki models pull gpt2"),
        (["continue", "x", "--model", "starter-en", "--json"], 1, "starter-en"),
        (["continue", "春", "--model", "starter-ja", "--chat"], 1, "template"),
        (["fill", "no mask here"], 2, "[MASK]"),
        (["score", "", "x", "--json"], 2, "empty"),
        (["tokens", "x", "--model", "gpt2", "--json"], 1, "tsuzuki models pull gpt2"),
        (["models", "remove", "starter-ja", "--json"], 1, "starter-ja"),
        (["models", "pull", "no-such-model"], 2, "no-such-model"),
    ],
)
def test_an_error_leaves_standard_output_empty(
    tsuzuki: Tsuzuki, arguments: list[str], code: int, said: str
) -> None:
    ended = tsuzuki(*arguments)

    assert (ended.returncode, ended.stdout) == (code, b"")
    assert said in ended.stderr.decode()
    assert ended.stderr.count(b"\n") in (1, 2)


def test_a_broken_folder_is_a_failure(tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"model_type": "gpt2"}')
    (tmp_path / "model.safetensors").write_bytes(b"nonsense")

    ended = tsuzuki("continue", "x", "--model", str(tmp_path))

    assert (ended.returncode, ended.stdout) == (1, b"")
    assert str(tmp_path) in ended.stderr.decode()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupt_in_mid_stream_keeps_what_came(start: Start, number: signal.Signals) -> None:
    with start(LONG) as process:
        assert process.stdout is not None
        heading = process.stdout.readline()
        first = process.stdout.read(1)
        (worker,) = psutil.Process(process.pid).children()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    assert heading == b"[1/8]\n"
    assert (first + rest).decode().endswith("\n")
    assert b"Traceback" not in errors
    assert not worker.is_running()


def test_an_interrupt_with_json_prints_the_partial_document(start: Start) -> None:
    with start([*LONG, "--json", "--verbose"]) as process:
        assert process.stderr is not None
        # The engine says when it begins to load; what is asked for is then far away.
        assert b"Loading" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=PATIENCE_S)

    assert process.returncode == 130
    document = msgspec.json.decode(out, type=ContinueDocument)
    assert [branch.finish for branch in document.branches] == ["cancelled"] * 8
    assert b"Traceback" not in errors


def test_a_reader_that_goes_away_ends_the_program(start: Start) -> None:
    with start(LONG) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.read(1)
        (worker,) = psutil.Process(process.pid).children()
        process.stdout.close()
        errors = process.stderr.read()
        code = process.wait(PATIENCE_S)

    assert (code, errors) == (141, b"")
    assert not worker.is_running()


def test_a_worker_that_is_killed_is_a_failure_not_a_hang(start: Start) -> None:
    with start([*LONG, "--json", "--verbose"]) as process:
        assert process.stderr is not None
        process.stderr.readline()
        (worker,) = psutil.Process(process.pid).children()
        worker.kill()
        out, errors = process.communicate(timeout=PATIENCE_S)

    assert (process.returncode, out) == (1, b"")
    assert "SIGKILL" in errors.decode()


def test_a_full_disk_is_a_failure(environment: Mapping[str, str]) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [PROGRAM, "models", "list"], stdout=full, stderr=subprocess.PIPE, env=environment
        )

    assert ended.returncode == 1
    assert os.strerror(28) in ended.stderr.decode()


def test_on_a_terminal_a_person_is_told_more(environment: Mapping[str, str]) -> None:
    arguments = ["continue", PROMPT, "--seed", "5", "--max-tokens", "3"]
    terminal = pexpect.spawn(
        PROGRAM, arguments, env=dict(environment), encoding="utf-8", timeout=PATIENCE_S
    )
    terminal.expect(pexpect.EOF)
    terminal.close()

    seen = terminal.before or ""
    assert terminal.exitstatus == 0
    assert "Loading starter-ja" in seen
    assert "3 tokens" in seen
    assert "seed 5" in seen


@pytest.mark.parametrize("term", ["dumb", ""])
def test_the_app_refuses_a_terminal_that_cannot_draw(
    environment: Mapping[str, str], term: str
) -> None:
    terminal = pexpect.spawn(
        PROGRAM, env={**environment, "TERM": term}, encoding="utf-8", timeout=PATIENCE_S
    )
    terminal.expect(pexpect.EOF)
    terminal.close()

    assert terminal.exitstatus == 2
    assert "TERM" in (terminal.before or "")


CLOSED = ["<&-", ">&-", "2>&-", "<&- >&-", "<&- 2>&-", ">&- 2>&-", "<&- >&- 2>&-"]


@pytest.mark.parametrize("closed", CLOSED)
@pytest.mark.parametrize(
    "command",
    ["--help", "tokens x", "tokens -", "--nonsense", "doctor --json", "bench --nonsense", ""],
)
def test_closed_streams_end_in_no_traceback(
    environment: Mapping[str, str], closed: str, command: str
) -> None:
    ended = subprocess.run(
        ["sh", "-c", f'"{PROGRAM}" {command} {closed}'],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        timeout=PATIENCE_S,
    )
    errors = ended.stderr.decode()

    assert ended.returncode in (0, 1, 2)
    assert "Traceback" not in errors
    assert "Exception" not in errors
    writes = command in ("--help", "tokens x")
    if writes and ">&-" in closed.replace("2>&-", ""):
        assert ended.returncode == 1
        assert errors == ("" if "2>&-" in closed else "Standard output is closed\n")
    elif command == "tokens -" and "<&-" in closed:
        assert ended.returncode == 2
    elif writes:
        assert (ended.returncode, errors) == (0, "")
        assert ended.stdout


@pytest.mark.parametrize("command", ["tokens x", "--nonsense"])
def test_an_error_that_nobody_can_read_changes_no_exit_code(
    environment: Mapping[str, str], command: str
) -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [PROGRAM, *command.split()], stderr=full, stdout=subprocess.PIPE, env=environment
        )

    assert ended.returncode == (0 if command == "tokens x" else 2)

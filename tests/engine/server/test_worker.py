"""The worker process, over its real pipes, with the bundled models."""

from __future__ import annotations

import io
import os
import platform
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest
from msgspec import structs

from engine import wire
from engine.messages import (
    GREEDY,
    PROTOCOL,
    Beside,
    Cancel,
    Configure,
    Continue,
    Cores,
    CosineResult,
    DeviceChoice,
    Done,
    Error,
    Event,
    Fill,
    FillResult,
    ListModels,
    Load,
    Memory,
    Message,
    Models,
    ModelState,
    NspResult,
    Ping,
    PmiResult,
    Pong,
    Progress,
    Ready,
    Remove,
    Score,
    Shutdown,
    Started,
    Token,
    Tokenize,
    Tokens,
    Unload,
    Verdict,
)
from engine.server.worker import Worker
from tests.support.processes import Peer, configured, without_torch, worker
from tui.strings import worded

LONG = Continue(model="starter-ja", prompt="東京の街は", sampling=GREEDY, max_tokens=100, top=0)


@pytest.fixture
def configure(tmp_path: Path) -> Configure:
    return Configure(store=str(tmp_path / "store"), threads=1)


@pytest.fixture
def stuck(tmp_path: Path, configure: Configure) -> Iterator[Peer]:
    """A worker in which nothing that needs torch ever gets on."""
    with configured(tmp_path / "log", configure, without_torch(tmp_path / "path")) as peer:
        yield peer


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    """One worker for the tests that leave it as they found it, both bundled models loaded."""
    folder = tmp_path_factory.mktemp("worker")
    with configured(folder / "log", Configure(store=str(folder / "store"), threads=1)) as peer:
        for model in ("starter-ja", "starter-en"):
            (done,) = peer.ask(Load(model))
            assert isinstance(done, Done)
        yield peer


def only_error(events: Sequence[Event]) -> Error:
    (error,) = events
    assert isinstance(error, Error)
    return error


# ------------------------------------------------------------------------ the connection


def test_it_names_itself(tmp_path: Path) -> None:
    with worker(tmp_path / "log") as peer:
        (ready,) = peer.ask(Configure(memory_budget=5_000_000, threads=1))
        assert ready == Ready(
            protocol=PROTOCOL,
            pid=peer.process.pid,
            memory_budget=5_000_000,
            threads=1,
            host=platform.node(),
        )


def test_a_device_that_is_not_there_is_reported_when_a_model_is_wanted(tmp_path: Path) -> None:
    absent: DeviceChoice = "cuda" if sys.platform == "darwin" else "mps"
    with configured(tmp_path / "log", Configure(device=absent, threads=1)) as peer:
        error = only_error(peer.ask(Load("starter-ja")))
        assert error.kind == "unable"
        assert absent in worded(error.message)
        assert only_error(peer.ask(Load("starter-ja", "auto"))) == error


def test_nothing_is_answered_before_configure_or_after_another_version(tmp_path: Path) -> None:
    with worker(tmp_path / "log") as peer:
        assert only_error(peer.ask(ListModels())).kind == "bad_request"
        error = only_error(peer.ask(Configure(protocol=PROTOCOL + 1)))
        assert error.kind == "bad_request"
        assert str(PROTOCOL + 1) in worded(error.message)
        assert only_error(peer.ask(ListModels())).kind == "bad_request"
        assert isinstance(peer.ask(Configure())[0], Ready)
        assert only_error(peer.ask(Configure())).kind == "bad_request"


@pytest.mark.parametrize(
    "body",
    [
        {"type": "no_such_request"},
        {"type": "tokenize", "model": "starter-ja"},
        {"type": "fill", "model": "starter-en", "text": "[MASK]", "top": 0},
        {"type": "score", "model": "starter-ja", "a": "a", "b": "b", "precision": "int3"},
        {"type": "continue", "model": "a", "prompt": "b", "sampling": {"temperature": -1.0}},
        [1, 2, 3],
        None,
    ],
)
def test_a_body_that_makes_no_sense_is_refused_under_its_id(peer: Peer, body: object) -> None:
    peer.send_raw(77_000, body)
    assert only_error(peer.rest_of(77_000)).kind == "bad_request"


def test_a_request_needs_an_id_of_its_own(peer: Peer) -> None:
    peer.send_raw(0, {"type": "list_models"})
    assert only_error(peer.rest_of(0)).kind == "bad_request"


def test_a_ping_sees_whether_the_scheduler_gets_on() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as events:
        waiting = Worker(io.BytesIO(), writing, {}, Path())
        frame = wire.read_frame(io.BytesIO(wire.encode(1, Ping())))
        assert frame is not None
        waiting._receive(frame)
        assert select.select([events], [], [], 0)[0] == []
        waiting._scheduler.round()
        answer = wire.read_frame(events)
        assert answer is not None
        assert wire.event(answer.body) == Pong()
        os.close(writing)


def test_bytes_that_are_no_frame_end_it_with_a_word(tmp_path: Path, configure: Configure) -> None:
    with configured(tmp_path / "log", configure) as peer:
        peer.send_bytes(b"GET / HTTP/1.1\r\n\r\n")
        assert only_error(peer.rest_of(0)).kind == "bad_request"
        assert peer.ended() == 0


def test_shutdown_ends_it(stuck: Peer) -> None:
    stuck.send(Shutdown())
    assert stuck.ended() == 0


def test_the_end_of_input_ends_it_though_it_is_loading(stuck: Peer) -> None:
    stuck.send(Load("starter-ja"))
    stuck.until(
        ModelState(
            model="starter-ja", state="loading", stage=Message("stage.starting_torch"), percent=0
        )
    )
    stuck.stdin.close()
    assert stuck.ended() == 0


def test_the_end_of_input_ends_it_in_the_middle_of_a_text(
    tmp_path: Path, configure: Configure
) -> None:
    with configured(tmp_path / "log", configure) as peer:
        peer.first_token(peer.send(LONG))
        peer.stdin.close()
        assert peer.ended() == 0


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a thread has to get its turn")
def test_it_ends_with_its_front_though_a_library_lets_nothing_else_run(tmp_path: Path) -> None:
    source = """
import sys, time
from pathlib import Path
from engine.messages import Configure
from tests.support.processes import without_torch, worker
folder = Path(sys.argv[1])
held = "import ctypes; print('held', flush=True); ctypes.PyDLL(None).sleep(1000)"
environ = without_torch(folder / "path", held)
with worker(folder / "log", environ) as peer:
    # Its answer is not waited for: torch is imported meanwhile, and may hold it back.
    peer.send(Configure(store=str(folder), threads=1))
    print(peer.process.pid, flush=True)
    while "held" not in (folder / "log").read_text():
        time.sleep(0.01)
    print("held", flush=True)
    time.sleep(1000)
"""
    argv = [sys.executable, "-c", source, str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as front:
        assert front.stdout is not None
        held = psutil.Process(int(front.stdout.readline()))
        assert front.stdout.readline() == b"held\n"
        front.kill()
        _, alive = psutil.wait_procs([held], timeout=60)
        assert alive == []


def test_the_terminals_ctrl_c_is_not_for_it_but_sigterm_is(stuck: Peer) -> None:
    os.kill(stuck.process.pid, signal.SIGINT)
    assert stuck.ask(Ping()) == [Pong()]
    os.kill(stuck.process.pid, signal.SIGTERM)
    assert stuck.ended() == -signal.SIGTERM


# -------------------------------------------------------------------------- without torch


def test_what_needs_no_torch_does_not_wait_for_it(stuck: Peer) -> None:
    loading = stuck.send(Load("starter-ja"))
    (models,) = stuck.ask(ListModels())
    assert isinstance(models, Models)
    states = {model.id: model.state for model in models.models}
    assert (states["starter-ja"], states["starter-en"]) == ("loading", "on_disk")
    assert states["smollm2-135m-instruct"] == "absent"
    for model, text in (("starter-ja", "東京の街は"), ("starter-en", "I played [MASK].")):
        (tokens,) = stuck.ask(Tokenize(model=model, text=text))
        assert isinstance(tokens, Tokens)
        assert tokens.tokens
    assert stuck.ask(Ping()) == [Pong()]
    assert [event for number, event in stuck.received if number == loading] == []


def test_a_request_that_waits_for_its_model_can_be_cancelled(stuck: Peer) -> None:
    waiting = stuck.send(LONG)
    stuck.send(Cancel(waiting))
    assert stuck.rest_of(waiting) == [Done(finish="cancelled")]


def test_no_torch_is_a_failed_model_with_a_reason(tmp_path: Path, configure: Configure) -> None:
    environ = without_torch(tmp_path / "path", "raise ImportError('libtorch is not there')")
    with configured(tmp_path / "log", configure, environ) as peer:
        error = only_error(peer.ask(Load("starter-ja")))
        assert "libtorch is not there" in worded(error.message)
        (models,) = peer.ask(ListModels())
        assert isinstance(models, Models)
        (model,) = [model for model in models.models if model.id == "starter-ja"]
        assert (model.state, worded(model.reason)) == ("failed", worded(error.message))


def test_what_libraries_print_goes_to_the_log(tmp_path: Path, configure: Configure) -> None:
    noisy = """
import os, sys
print("from print")
sys.stdout.flush()
os.write(1, b"from os.write\\n")
os.system("echo from a child")
sys.__stdout__.write("read: " + repr(sys.stdin.read() + os.read(0, 10).decode()))
sys.__stdout__.flush()
raise ImportError("that is all")
"""
    log = tmp_path / "log"
    with configured(log, configure, without_torch(tmp_path / "path", noisy)) as peer:
        only_error(peer.ask(Load("starter-ja")))
        assert peer.ask(Ping()) == [Pong()]
    logged = log.read_text()
    for line in ("from print", "from os.write", "from a child", "read: ''"):
        assert line in logged


def test_the_users_folder_named_engine_is_not_run(
    tmp_path: Path, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    trap = tmp_path / "engine"
    trap.mkdir()
    (trap / "__init__.py").write_text("")
    (trap / "__main__.py").write_text("raise SystemExit('trapped')")
    monkeypatch.chdir(tmp_path)
    with configured(tmp_path / "log", configure) as peer:
        assert peer.ask(Ping()) == [Pong()]


# ---------------------------------------------------------------------------------- tasks


def test_a_fill_is_answered_in_the_middle_of_a_continuation(peer: Peer) -> None:
    continuing = peer.send(LONG)
    filling = peer.send(Fill(model="starter-en", text="I played [MASK] with my friends."))
    result, done = peer.rest_of(filling)
    assert isinstance(result, FillResult)
    assert isinstance(done, Done)
    before = [event for number, event in peer.received if number == continuing]
    assert not any(isinstance(event, Done) for event in before)
    after = peer.rest_of(continuing)
    assert isinstance(before[0], Started)
    assert isinstance(after[-1], Done)
    tokens = [event for event in before + after if isinstance(event, Token)]
    assert len(tokens) == LONG.max_tokens


def test_one_bert_serves_fill_and_score(peer: Peer) -> None:
    body = Score(model="starter-en", a="What is baseball ?", b="It is a game.")
    result, verdict, _ = peer.ask(body)
    assert isinstance(result, NspResult)
    assert isinstance(verdict, Verdict)
    assert verdict.order is None


def test_two_models_are_witnesses_to_one_pair(peer: Peer) -> None:
    body = Score(
        model="starter-en",
        a="What is baseball ?",
        b="It is a game.",
        cosine=True,
        beside=[Beside(model="starter-ja", precision="int8")],
    )
    events = [event for event in peer.ask(body) if not isinstance(event, Progress)]
    kinds = [NspResult, CosineResult, PmiResult, CosineResult, Verdict, Done]
    assert [type(event) for event in events] == kinds
    mutual = events[2]
    assert isinstance(mutual, PmiResult)
    assert (mutual.model, mutual.precision) == ("starter-ja", "int8")
    assert isinstance(events[4], Verdict)
    assert events[4].order is not None


def test_every_answer_names_the_form_that_gave_it(peer: Peer) -> None:
    body = structs.replace(LONG, max_tokens=1, precision="int4")
    started = peer.ask(body)[0]
    assert isinstance(started, Started)
    assert started.precision == "int4"
    filled, _ = peer.ask(Fill(model="starter-ja", text="東京の[MASK]は", precision="int8"))
    scored, _, _ = peer.ask(Score(model="starter-ja", a="東京の", b="街は", precision="bf16"))
    masked, _ = peer.ask(Fill(model="starter-en", text="I played [MASK]."))
    assert isinstance(filled, FillResult)
    assert isinstance(scored, PmiResult)
    assert isinstance(masked, FillResult)
    assert (filled.precision, scored.precision, masked.precision) == ("int8", "bf16", "exact")
    (models,) = peer.ask(ListModels())
    assert isinstance(models, Models)
    in_memory = {model.id: set(model.in_memory) for model in models.models}
    assert in_memory["starter-ja"] == {"exact", "bf16", "int8", "int4"}
    assert in_memory["starter-en"] == {"exact"}
    peer.ask(Unload("starter-ja"))
    peer.ask(Load("starter-ja"))


def test_a_cancel_stops_a_continuation(peer: Peer) -> None:
    continuing = peer.send(LONG)
    peer.first_token(continuing)
    peer.send(Cancel(continuing))
    assert peer.rest_of(continuing)[-1] == Done(finish="cancelled")
    events = [event for number, event in peer.received if number == continuing]
    assert 1 <= sum(isinstance(event, Token) for event in events) < LONG.max_tokens


def test_a_cancel_of_nothing_disturbs_nothing(peer: Peer) -> None:
    peer.send(Cancel(123_456))
    assert peer.ask(Ping()) == [Pong()]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (Load("no-such-model"), "unknown_model"),
        (Load("gpt2"), "absent_model"),
        (Fill(model="starter-en", text="no mask"), "bad_request"),
        (Continue(model="starter-en", prompt="a"), "unable"),
        (Continue(model="starter-en", prompt="a", precision="int4"), "unable"),
        (Load("starter-en", precision="bf16"), "unable"),
        (Remove("starter-ja"), "unable"),
        (Unload("no-such-model"), "unknown_model"),
    ],
)
def test_a_users_mistake_is_explained_and_harms_nobody(
    peer: Peer, body: Load | Fill | Continue | Remove | Unload, kind: str
) -> None:
    error = only_error(peer.ask(body))
    assert error.kind == kind
    assert worded(error.hint)
    assert peer.ask(Ping()) == [Pong()]


# --------------------------------------------------------------------------------- memory


def test_unloading_a_model_in_use_waits_for_its_task(peer: Peer) -> None:
    continuing = peer.send(LONG)
    peer.first_token(continuing)
    assert peer.ask(Unload("starter-ja")) == [Done()]
    gone = ModelState(model="starter-ja", state="on_disk", cause="asked")
    assert isinstance(peer.rest_of(continuing)[-1], Done)
    assert (0, gone) not in peer.received
    peer.until(gone)
    peer.ask(Load("starter-ja"))


def test_a_busy_machine_is_reported(tmp_path: Path, configure: Configure) -> None:
    command = [sys.executable, "-c", "while True: pass"]
    neighbours = [subprocess.Popen(command) for _ in range(os.cpu_count() or 1)]
    try:
        with configured(tmp_path / "log", configure) as peer:
            peer.until(Cores(threads=1, busy=True))
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()


def test_models_make_room_for_each_other_and_idle_ones_go(
    tmp_path: Path, configure: Configure
) -> None:
    with worker(tmp_path / "log") as peer:
        peer.ask(structs.replace(configure, idle_s=2.0, memory_budget=45_000_000))
        assert only_error(peer.ask(Load("starter-ja"))).kind == "too_big"
    budget = 90_000_000
    with worker(tmp_path / "log") as peer:
        peer.ask(structs.replace(configure, idle_s=0.5, memory_budget=budget))
        peer.ask(Load("starter-ja"))
        peer.ask(Load("starter-en"))
        evicted = ModelState(model="starter-ja", state="on_disk", cause="evicted")
        assert (0, evicted) in peer.received
        peer.until(ModelState(model="starter-en", state="on_disk", cause="idle"))
        peer.until(Memory(used=0, budget=budget))

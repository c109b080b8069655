from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from engine.errors import EngineError
from engine.store import manifest
from engine.store.catalog import Entry, Hub
from engine.store.manifest import Manifest
from engine.store.store import Store
from tests.conftest import Tiny
from tests.support import tiny_gguf
from tui.strings import worded

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ENTRY = Entry(
    id="small",
    title="Small",
    heads=["causal"],
    languages=["en"],
    bytes=1000,
    memory=2000,
    licence="MIT",
    origin=Hub("someone/small", COMMIT),
    start_token="<s>",
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", entries=[ENTRY])


def _install(store: Store, model: str, source: Path) -> Path:
    """Put a model into the store as a pull does."""
    place = store.place(model)
    work = Path(shutil.copytree(source, store.partial(place)))
    manifest.seal(
        work,
        Manifest(
            id=place.id,
            source=place.source,
            origin=str(place.gguf or "someone/small"),
            revision=COMMIT,
            licence="cc0",
            languages=["ja"],
            files=manifest.describe(work, [path.name for path in work.iterdir()]),
        ),
    )
    store.adopt(work, place)
    return place.folder


def _kind(store: Store, model: str) -> str:
    with pytest.raises(EngineError) as caught:
        store.find(model)
    return caught.value.event.kind


def test_listing_imports_neither_torch_nor_transformers() -> None:
    script = (
        "import sys; from pathlib import Path; from engine.store.store import Store;"
        "models = Store(Path('nowhere')).models(); assert len(models) > 5;"
        "print({'torch', 'transformers', 'huggingface_hub'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "set()\n", done.stderr


def test_the_bundled_models_are_there_with_no_store(tmp_path: Path) -> None:
    store = Store(tmp_path / "none")
    listed = {info.id: info for info in store.models()}
    assert listed["starter-ja"].state == listed["starter-en"].state == "on_disk"
    assert listed["starter-ja"].roles == ["continue", "fill", "score"]
    assert listed["starter-en"].roles == ["fill", "score"]
    assert listed["gpt2"].state == "absent"
    assert listed["gpt2"].path is None
    assert store.find("starter-en").heads == {"masked", "next_sentence"}
    assert listed["starter-ja"].precisions == ["exact", "bf16", "int8", "int4"]
    assert listed["starter-en"].precisions == ["exact"]
    assert listed["gpt2"].precisions == []  # unknown without files
    assert not (tmp_path / "none").exists()


def test_an_absent_model_is_described_by_the_catalogue(store: Store) -> None:
    info = store.info("small")
    assert (info.state, info.bytes, info.memory, info.revision) == ("absent", 1000, 2000, COMMIT)
    assert _kind(store, "small") == "absent_model"


def test_a_pulled_model_is_found_and_described(store: Store, tiny: Tiny) -> None:
    folder = _install(store, "small", tiny("gpt2"))
    info = store.info("small")
    assert (info.state, info.path) == ("on_disk", str(folder))
    assert info.bytes == (folder / "model.safetensors").stat().st_size
    files = store.find("small")
    assert (files.folder, files.revision, files.start_token) == (folder, COMMIT, "<s>")
    assert files.languages == ("en",)


def test_the_hub_id_of_a_catalogued_model_is_that_model(store: Store, tiny: Tiny) -> None:
    _install(store, "small", tiny("gpt2"))
    assert store.find("someone/small").id == "small"
    assert [info.id for info in store.models()] == ["small"]


def test_another_hub_model_is_listed_once_pulled(store: Store, tiny: Tiny) -> None:
    assert _kind(store, "other/thing.v1") == "absent_model"
    _install(store, "other/thing.v1", tiny("bert"))
    info = {info.id: info for info in store.models()}["other/thing.v1"]
    assert (info.state, info.licence, info.languages) == ("on_disk", "cc0", ["ja"])
    assert store.find("other/thing.v1").heads == {"masked", "next_sentence"}


def test_a_folder_wins_over_a_hub_id(
    store: Store, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _install(store, "other/thing", tiny("gpt2"))
    assert store.find("other/thing").model_type == "gpt2"
    monkeypatch.chdir(tmp_path)
    shutil.copytree(tiny("llama"), tmp_path / "other" / "thing")
    assert store.find("other/thing").model_type == "llama"


@pytest.mark.parametrize(
    "name", ["gpt", "no such", "../..x", "a--b/c", "a/b/c", "-x/y", "x.gguf", ""]
)
def test_what_names_nothing_is_unknown(store: Store, name: str) -> None:
    assert _kind(store, name) == "unknown_model"


def test_an_unknown_name_is_answered_with_the_nearest(store: Store) -> None:
    with pytest.raises(EngineError) as caught:
        store.find("smal")
    assert worded(caught.value.event.hint) == "Did you mean small?"


def test_a_local_folder_is_listed_and_found(tiny: Tiny, tmp_path: Path) -> None:
    store = Store(tmp_path, [tiny("llama")], [])
    (info,) = store.models()
    assert (info.state, info.source, info.path) == ("on_disk", "local", str(tiny("llama")))
    assert info.id == store.find(str(tiny("llama"))).id == str(tiny("llama"))


def test_what_is_not_there_is_listed_as_failed(tmp_path: Path) -> None:
    text = tmp_path / "text.gguf"
    text.write_text("not a model")
    store = Store(tmp_path, [tmp_path / "gone", tmp_path / "gone.gguf", text], [])
    infos = store.models()
    assert [info.state for info in infos] == ["failed"] * 3
    assert "nothing at" in worded(infos[0].reason)
    assert "nothing at" in worded(infos[1].reason)
    assert worded(infos[2].reason) == "not a GGUF file"


def test_a_gguf_file_waits_for_its_conversion(tmp_path: Path, tiny: Tiny) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(b"GGUF and more")
    store = Store(tmp_path / "store", [gguf], [])
    assert store.unconverted(str(gguf))
    (info,) = store.models()
    assert (info.state, info.heads) == ("on_disk", ["causal"])
    assert _kind(store, str(gguf)) == "absent_model"
    _install(store, str(gguf), tiny("llama"))
    assert not store.unconverted(str(gguf))
    assert store.find(str(gguf)).model_type == "llama"


def test_a_changed_gguf_file_is_converted_anew(tmp_path: Path, tiny: Tiny) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(b"GGUF and more")
    store = Store(tmp_path / "store", [gguf], [])
    old = _install(store, str(gguf), tiny("llama"))
    store.sweep()
    assert old.exists()
    os.utime(gguf, ns=(1, 1))
    assert store.unconverted(str(gguf))
    store.sweep()
    assert not old.exists()


@pytest.mark.parametrize("harm", ["cut", "gone", "no list", "bad list"])
def test_a_damaged_model_is_failed_with_a_reason(store: Store, tiny: Tiny, harm: str) -> None:
    folder = _install(store, "small", tiny("gpt2"))
    weights = folder / "model.safetensors"
    match harm:
        case "cut":
            weights.write_bytes(weights.read_bytes()[:-1])
        case "gone":
            (folder / "tokenizer.json").unlink()
        case "no list":
            (folder / manifest.NAME).unlink()
        case "bad list":
            (folder / manifest.NAME).write_text('{"files": [{"name": "../x"}]}')
    info = store.info("small")
    assert info.state == "failed"
    assert worded(info.reason)
    assert _kind(store, "small") == "broken_model"


def test_work_in_progress_is_no_model(store: Store, tiny: Tiny) -> None:
    shutil.copytree(tiny("gpt2"), store.partial(store.place("small")))
    assert store.info("small").state == "absent"
    assert [info.id for info in store.models()] == ["small"]


def test_removing_deletes_the_model_and_what_a_pull_began(store: Store, tiny: Tiny) -> None:
    folder = _install(store, "small", tiny("gpt2"))
    begun = store.partial(store.place("small"))
    begun.mkdir()
    store.remove("small")
    assert not folder.exists()
    assert not begun.exists()
    assert store.info("small").state == "absent"
    with pytest.raises(EngineError) as caught:
        store.remove("small")
    assert caught.value.event.kind == "absent_model"


def test_what_is_not_ours_is_not_removed(tmp_path: Path, tiny: Tiny) -> None:
    store = Store(tmp_path)
    for name in ("starter-ja", str(tiny("llama"))):
        with pytest.raises(EngineError) as caught:
            store.remove(name)
        assert caught.value.event.kind == "unable"
        assert store.find(name)


def test_removing_a_conversion_leaves_the_file(tmp_path: Path, tiny: Tiny) -> None:
    gguf = tmp_path / "m.gguf"
    gguf.write_bytes(b"GGUF and more")
    store = Store(tmp_path / "store", [gguf], [])
    _install(store, str(gguf), tiny("llama"))
    store.remove(str(gguf))
    assert gguf.exists()
    assert store.unconverted(str(gguf))


def test_a_deletion_that_was_cut_off_is_finished(store: Store, tiny: Tiny) -> None:
    left = store.root / ".partial" / "leaving-1"
    shutil.copytree(tiny("gpt2"), left)
    store.sweep()
    assert not left.exists()


def _circle(path: Path) -> Path:
    path.symlink_to(path)
    return path


def _configured(folder: Path, text: bytes) -> Path:
    folder.mkdir()
    (folder / "config.json").write_bytes(text)
    return folder


def _piped(folder: Path) -> Path:
    folder.mkdir()
    os.mkfifo(folder / "config.json")
    return folder


UNUSABLE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a circle of links": (_circle, "links form a loop"),
    "a circle of links to a file": (
        lambda path: _circle(path.with_suffix(".gguf")),
        "links form a loop",
    ),
    "NUL in its name": (lambda path: Path(f"{path}\0x"), "a character that is not allowed"),
    "a name that is not in UTF-8": (
        lambda path: _configured(path.with_name("caf\udce9"), b"{}"),
        "its name is not in UTF-8",
    ),
    "too long a name": (lambda path: path.with_name("x" * 300), "name is too long"),
    "too long a path": (lambda path: path.joinpath(*["x" * 200] * 40), "name is too long"),
    "below a file": (
        lambda path: _configured(path, b"{}") / "config.json" / "x",
        "parent is not a folder",
    ),
    "no home of this name": (lambda path: Path("~nosuchuser/x"), "there is nothing at"),
    "nested too deeply": (
        lambda path: _configured(path, b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
        "nested too deeply",
    ),
    "not in UTF-8": (
        lambda path: _configured(path, '{"model_type": "gpté"}'.encode("latin-1")),
        "not in UTF-8",
    ),
    "a pipe": (_piped, "config.json is not a regular file"),
}


@pytest.mark.parametrize("kind", UNUSABLE)
def test_one_bad_folder_is_a_row_of_its_own(kind: str, tiny: Tiny, tmp_path: Path) -> None:
    make, reason = UNUSABLE[kind]
    bad = make(tmp_path / "bad")
    store = Store(tmp_path / "store", [bad, tiny("gpt2")], [])
    failed, good = store.models()
    assert (good.state, good.path) == ("on_disk", str(tiny("gpt2")))
    assert failed.state == "failed"
    assert reason in worded(failed.reason)
    msgspec.msgpack.encode(failed)
    with pytest.raises(EngineError) as caught:
        store.find(str(bad))
    assert caught.value.event.kind in {"broken_model", "unknown_model"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_not_called_damaged(tiny: Tiny, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(tiny("gpt2"), tmp_path / "m"))
    (folder / "model.safetensors").chmod(0)
    row = Store(tmp_path / "store", [folder], []).models()[0]
    assert worded(row.reason) == "model.safetensors cannot be read: this user has no permission"
    folder.chmod(0)
    assert "this user has no permission" in worded(
        Store(tmp_path / "store", [folder], []).models()[0].reason
    )
    folder.chmod(0o700)


@pytest.mark.parametrize("name", ["model.gguf", "model.GGUF"])
def test_a_folder_may_be_called_like_a_file(name: str, tiny: Tiny, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny("gpt2"), tmp_path / name)
    store = Store(tmp_path / "store", [Path(folder)], [])
    assert store.find(str(folder)).heads == {"causal"}
    assert store.models()[0].state == "on_disk"


def test_an_adapter_is_distinguished_from_a_model(tmp_path: Path) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    (folder / "adapter_config.json").write_text('{"base_model_name_or_path": "gpt2"}')
    reason = Store(tmp_path / "store", [folder], []).models()[0].reason
    assert worded(reason).startswith("it is an adapter (LoRA) of gpt2, not a model")
    (folder / "config.json").write_text('{"model_type": "gpt2"}')
    assert Store(tmp_path / "store", [folder], []).models()[0].reason == reason


@pytest.mark.parametrize("main", ["a" * 40, "b" * 40])
def test_a_folder_above_a_model_leads_to_it(main: str, tiny: Tiny, tmp_path: Path) -> None:
    cache = tmp_path / "models--someone--small"
    for commit in ("a" * 40, "b" * 40):
        shutil.copytree(tiny("gpt2"), cache / "snapshots" / commit)
    (cache / "refs").mkdir()
    (cache / "refs" / "main").write_text(main)
    info = Store(tmp_path / "store", [cache, cache / "snapshots"], []).models()
    assert worded(info[0].reason).endswith(f"the model is in {cache / 'snapshots' / main}")
    assert f"the model is in {cache / 'snapshots' / ('a' * 40)}" in worded(info[1].reason)


def test_a_folder_around_a_gguf_file_leads_to_it(tmp_path: Path) -> None:
    (tmp_path / "m").mkdir()
    path = tiny_gguf.write(tmp_path / "m" / "tiny.gguf")
    reason = Store(tmp_path / "store", [tmp_path / "m"], []).models()[0].reason
    assert worded(reason).endswith(f"the model is the file {path}")

from __future__ import annotations

import datetime
import io
import ipaddress
import json
import os
import pickle
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from safetensors.torch import load_file, save

from engine.messages import Message, Pull
from engine.store import manifest
from engine.store.catalog import Entry
from engine.store.catalog import Hub as Origin
from engine.store.store import Store
from tests.conftest import Tiny
from tests.support import pulls
from tests.support.hub_server import COMMIT, Hub, Repo, serve
from tui.strings import worded

REPO = "someone/small"
WEIGHTS = "model.safetensors"
ENTRY = Entry(
    id="small",
    title="Small",
    heads=["causal"],
    languages=["en"],
    bytes=1000,
    memory=2000,
    licence="MIT",
    origin=Origin(REPO, COMMIT),
)


@pytest.fixture
def hub() -> Iterator[Hub]:
    with serve() as hub:
        yield hub


@pytest.fixture
def files(tiny: Tiny) -> dict[str, bytes]:
    """A small model's files, with weights of some chunks' length."""
    found = {path.name: path.read_bytes() for path in tiny("gpt2").iterdir()}
    weights = load_file(tiny("gpt2") / WEIGHTS)
    return {**found, WEIGHTS: save({**weights, "unused": torch.zeros(500_000)}, {"format": "pt"})}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store", entries=[ENTRY])


@pytest.fixture
def environ(tmp_path: Path, hub: Hub) -> dict[str, str]:
    return pulls.environment(tmp_path, HF_ENDPOINT=hub.url)


def _pull(store: Store, environ: dict[str, str], model: str = "small") -> pulls.Outcome:
    return pulls.run(store, Pull(model), environ)


def _contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != manifest.NAME}


def test_a_pull_brings_exactly_what_a_model_needs(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    others = {
        "README.md": b"# hello",
        "pytorch_model.bin": b"pickle",
        "tf_model.h5": b"h5",
        "onnx/model.safetensors": b"other",
        "../evil.model": b"evil",
        "sub\\evil.model": b"evil",
    }
    hub.repos[REPO] = Repo({**files, **others})
    outcome = _pull(store, environ).succeeded()
    folder = store.find("small").folder
    assert _contents(folder) == files
    assert store.find("small").revision == COMMIT
    assert manifest.read(folder).files == manifest.describe(folder, files)
    assert not store.partial(store.place("small")).exists()
    weights = [state for state in outcome.states if state.stage == WEIGHTS]
    done = [state.done or 0 for state in weights]
    assert done == sorted(done)
    assert weights[-1].done == weights[-1].total == sum(len(content) for content in files.values())
    assert weights[-1].percent == 100.0


def test_a_hub_id_takes_the_newest_commit_and_records_it(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos["a/b"] = Repo(files, card={"license": "cc0-1.0", "language": ["ja", "en"]})
    _pull(store, environ, "a/b").succeeded()
    info = store.info("a/b")
    assert (info.revision, info.licence, info.languages) == (COMMIT, "cc0-1.0", ["ja", "en"])


def test_another_commit_than_the_pinned_one_is_not_taken(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files, commit="2" * 40)
    assert "no revision" in worded(_pull(store, environ).error.message)
    assert store.info("small").state == "absent"


def test_shards_are_pulled_by_their_index(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / WEIGHTS).write_bytes(files.pop(WEIGHTS))
    weights = load_file(tmp_path / WEIGHTS)
    parts = {
        f"model-0000{n}-of-00002.safetensors": {
            name: tensor
            for i, (name, tensor) in enumerate(sorted(weights.items()))
            if i % 2 == n - 1
        }
        for n in (1, 2)
    }
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
    files["model.safetensors.index.json"] = json.dumps(index).encode()
    files |= {file: save(part, {"format": "pt"}) for file, part in parts.items()}
    hub.repos[REPO] = Repo(files)
    _pull(store, environ).succeeded()
    assert _contents(store.find("small").folder) == files


def test_a_broken_transfer_goes_on_where_it_stopped(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    hub.cut[WEIGHTS] = [300_000, 400_000]
    _pull(store, environ).succeeded()
    ranges = [asked.range for asked in hub.files_asked(WEIGHTS)]
    assert len(ranges) == 3
    assert ranges[0] is None
    assert all(asked and not asked.startswith("bytes=0") for asked in ranges[1:])
    assert _contents(store.find("small").folder) == files


def test_a_killed_pull_leaves_no_model_and_the_next_goes_on(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    hub.hold[WEIGHTS] = 1_000_000
    child = pulls.start(store, Pull("small"), environ)
    assert hub.held.wait(60)
    part = store.partial(store.place("small")) / COMMIT / f"{WEIGHTS}.part"
    while not part.exists() or part.stat().st_size < 500_000:
        assert child.poll() is None
    os.killpg(child.pid, signal.SIGKILL)
    pulls.finish(child)
    assert store.info("small").state == "absent"
    assert [info.id for info in store.models()] == ["small"]
    left = part.stat().st_size
    hub.hold.clear()
    hub.go.set()
    _pull(store, environ).succeeded()
    assert hub.files_asked(WEIGHTS)[-1].range == f"bytes={left}-"
    assert len(hub.files_asked("config.json")) == 1
    assert _contents(store.find("small").folder) == files


def test_weights_that_are_not_what_the_hub_lists_are_refused(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    hub.lie[WEIGHTS] = files[WEIGHTS][:-1] + b"\x01"
    assert "was corrupted in transfer" in worded(_pull(store, environ).error.message)
    assert store.info("small").state == "absent"
    hub.lie.clear()
    _pull(store, environ).succeeded()
    assert _contents(store.find("small").folder) == files


def test_a_small_file_that_is_not_what_the_hub_lists_is_refused(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    hub.lie["config.json"] = files["config.json"].replace(b"gpt2", b"gptj")
    assert "config.json" in worded(_pull(store, environ).error.message)
    assert store.info("small").state == "absent"


def test_a_hub_that_gives_no_hashes_is_not_trusted(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files, hashes=False)
    assert _pull(store, environ).error.kind == "network"
    assert store.info("small").state == "absent"


def test_a_model_that_the_hub_does_not_have_is_unknown(
    store: Store, environ: dict[str, str]
) -> None:
    outcome = _pull(store, environ, "no/body")
    assert outcome.error.kind == "unknown_model"
    assert outcome.states[-1].state == "failed"
    assert outcome.states[-1].reason == outcome.error.message


def test_a_gated_model_names_its_terms_and_a_token_opens_it(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files, gated=True)
    assert "HF_TOKEN" in worded(_pull(store, environ).error.hint)
    _pull(store, {**environ, "HF_TOKEN": "hf_secret"}).succeeded()
    assert hub.asked[-1].authorization == "Bearer hf_secret"


def test_offline_is_respected(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    outcome = _pull(store, {**environ, "HF_HUB_OFFLINE": "1"})
    assert "HF_HUB_OFFLINE" in worded(outcome.error.message)
    assert hub.asked == []


def test_a_hub_that_is_not_there_is_a_network_error(store: Store, tmp_path: Path) -> None:
    outcome = _pull(store, pulls.environment(tmp_path))
    assert outcome.error.kind == "network"
    assert "127.0.0.1:9" in worded(outcome.error.message)


def test_a_model_of_unknown_type_costs_no_download_of_its_weights(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    files["config.json"] = json.dumps({"model_type": "t5"}).encode()
    hub.repos[REPO] = Repo(files)
    outcome = _pull(store, environ)
    assert outcome.error.kind == "broken_model"
    assert "t5" in worded(outcome.error.message)
    assert hub.files_asked(WEIGHTS) == []


def test_weights_damaged_at_their_source_are_not_kept(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo({**files, WEIGHTS: files[WEIGHTS][:-4]})
    assert _pull(store, environ).error.kind == "broken_model"
    assert store.info("small").state == "absent"


def test_a_full_disk_is_reported_before_the_download(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files, sizes={WEIGHTS: 10**15})
    outcome = _pull(store, environ)
    assert outcome.error.kind == "unable"
    assert "needed" in worded(outcome.error.message)
    assert hub.files_asked(WEIGHTS) == []


def test_a_whole_model_is_not_pulled_again(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    _pull(store, environ).succeeded()
    hub.asked.clear()
    _pull(store, environ).succeeded()
    assert hub.asked == []


def test_a_damaged_model_is_pulled_again(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    _pull(store, environ).succeeded()
    (store.find("small").folder / WEIGHTS).write_bytes(b"")
    assert store.info("small").state == "failed"
    _pull(store, environ).succeeded()
    assert _contents(store.find("small").folder) == files


def test_two_pulls_of_one_model_share_the_work(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str]
) -> None:
    hub.repos[REPO] = Repo(files)
    hub.hold[WEIGHTS] = 1_000_000
    first = pulls.start(store, Pull("small"), environ)
    assert hub.held.wait(60)
    second = pulls.start(store, Pull(REPO), environ)
    assert pulls.next_state(second).stage == Message("stage.waiting")
    hub.go.set()
    pulls.finish(first).succeeded()
    pulls.finish(second).succeeded()
    assert len(hub.files_asked(WEIGHTS)) == 1


def _pickled(files: dict[str, bytes], tmp_path: Path) -> dict[str, bytes]:
    """The same model as old repositories have it: weights, shared ones too, in a pickle."""
    (tmp_path / WEIGHTS).write_bytes(files[WEIGHTS])
    weights = load_file(tmp_path / WEIGHTS)
    weights["lm_head.weight"] = weights["transformer.wte.weight"]
    stream = io.BytesIO()
    torch.save(weights, stream)
    rest = {name: content for name, content in files.items() if name != WEIGHTS}
    return {**rest, "pytorch_model.bin": stream.getvalue()}


def test_a_pickle_is_refused_unless_asked_for(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str], tmp_path: Path
) -> None:
    hub.repos[REPO] = Repo(_pickled(files, tmp_path))
    assert "pickle" in worded(_pull(store, environ).error.message)
    assert hub.files_asked("pytorch_model.bin") == []
    outcome = pulls.run(store, Pull("small", allow_pickle=True), environ).succeeded()
    assert "converting" in {state.state for state in outcome.states}
    folder = store.find("small").folder
    assert _contents(folder).keys() == files.keys()
    converted, original = load_file(folder / WEIGHTS), load_file(tmp_path / WEIGHTS)
    assert converted.keys() == original.keys()
    assert all(torch.equal(converted[name], original[name]) for name in original)


class _Evil:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (str(self.path),)


def test_a_pickle_that_would_run_code_is_refused(
    hub: Hub, files: dict[str, bytes], store: Store, environ: dict[str, str], tmp_path: Path
) -> None:
    del files[WEIGHTS]
    files["pytorch_model.bin"] = pickle.dumps(_Evil(tmp_path / "ran"))
    hub.repos[REPO] = Repo(files)
    outcome = pulls.run(store, Pull("small", allow_pickle=True), environ)
    assert outcome.error.kind == "broken_model"
    assert not (tmp_path / "ran").exists()
    assert store.info("small").state == "absent"


def test_nothing_is_pulled_from_a_hub_whose_certificate_nobody_vouches_for(
    tmp_path: Path, store: Store, files: dict[str, bytes]
) -> None:
    certificate = tmp_path / "certificate.pem"
    certificate.write_text(_self_signed())
    with serve({REPO: Repo(files)}, certificate) as hub:
        outcome = _pull(store, pulls.environment(tmp_path, HF_ENDPOINT=hub.url))
        assert outcome.error.kind == "network"
        assert "certificate" in worded(outcome.error.message).lower()
        assert hub.asked == []
        assert store.info("small").state == "absent"
        # The user's own authority is trusted.
        trusting = {"SSL_CERT_FILE": str(certificate), "REQUESTS_CA_BUNDLE": str(certificate)}
        _pull(store, pulls.environment(tmp_path, HF_ENDPOINT=hub.url, **trusting)).succeeded()


def _self_signed() -> str:
    """A certificate for this machine that is its own authority, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return (certificate.public_bytes(pem) + private).decode()

"""Pulls from the hub, or a mirror with the same API.

Names, sizes and hashes come from one request to the hub's API; the files are then streamed with
huggingface_hub's own session, which uses its proxies and certificates. Its download functions are
not used because they restart every interrupted file; here a download resumes where it stopped.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants, hf_hub_url, is_offline_mode
from huggingface_hub.errors import GatedRepoError, RepositoryNotFoundError, RevisionNotFoundError
from huggingface_hub.hf_api import ModelInfo, RepoSibling
from huggingface_hub.utils import build_hf_headers, get_session, hf_raise_for_status, httpx

from engine.errors import EngineError
from engine.messages import Error
from engine.pull.progress import Report, require_space
from engine.store import checkpoint, heads, manifest
from engine.store.catalog import Hub
from engine.store.checkpoint import Broken
from engine.store.manifest import Manifest
from engine.store.place import Place

SMALL = frozenset(
    {
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "special_tokens_map.json",
        "added_tokens.json",
        "vocab.json",
        "vocab.txt",
        "merges.txt",
        "chat_template.jinja",
        "chat_template.json",
    }
)
"""What a model needs besides its weights and a sentencepiece model (`*.model`)."""

_ATTEMPTS = 5
"""Number of times in a row that a download may fail without any progress."""
_CHUNK = 64 * 1024


@dataclass(frozen=True)
class Remote:
    """A file as described by the hub; its hash is that of the content or of the git blob."""

    name: str
    bytes: int
    sha256: str | None
    blob: str | None

    def matches(self, path: Path) -> bool:
        """Whether this local file is the remote one, byte for byte."""
        if path.stat().st_size != self.bytes:
            return False
        if self.sha256:
            return manifest.sha256(path) == self.sha256
        content = path.read_bytes()
        header = f"blob {len(content)}\0".encode()
        return hashlib.sha1(header + content, usedforsecurity=False).hexdigest() == self.blob


def from_repository(
    place: Place, origin: Hub, work: Path, report: Report, *, allow_pickle: bool
) -> tuple[Path, Manifest]:
    """Download a repository's model files into a folder under `work`.

    Raises:
        EngineError: network, unknown_model, unable (only a pickle, no room), broken_model.
    """
    if is_offline_mode():
        raise EngineError(
            Error(
                kind="network",
                message="The hub is disabled by HF_HUB_OFFLINE.",
                hint="Unset HF_HUB_OFFLINE and pull again.",
            )
        )
    report("pulling", "asking the hub")
    info = _ask(origin)
    commit = info.sha
    if not commit:
        raise _odd_answer(origin, "no commit")
    folder = work / commit
    for other in work.iterdir():
        if other != folder:
            shutil.rmtree(other)
    folder.mkdir(exist_ok=True)

    listed = {file.rfilename: file for file in info.siblings or ()}
    small = [
        _remote(origin, listed[name])
        for name in sorted(listed)
        if name in SMALL or (name.endswith(".model") and checkpoint.plain(name))
    ]
    _fetch_all(origin, commit, small, folder, report)
    try:
        _require_supported(folder)
        names, pickled = _weights(origin, commit, listed, folder, report)
    except Broken as error:
        raise _unusable(place, error) from error
    if pickled and not allow_pickle:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{place.id} exists only as a pickle, which can run code when opened.",
                hint="Allow pickles to pull and convert it; only tensors are read from them.",
            )
        )
    weights = [_remote(origin, listed[name]) for name in names]
    # A pickle and its conversion to safetensors are on the disk at the same time.
    require_space(work, _missing(weights, folder) + (sum(f.bytes for f in weights) * pickled))
    _fetch_all(origin, commit, weights, folder, report, before=small)
    if pickled:
        from engine.pull.convert import from_pickles

        from_pickles([folder / name for name in names], folder, report)
    report("pulling", "checking")
    try:
        checkpoint.read(folder)
    except Broken as error:
        shutil.rmtree(folder)
        raise _unusable(place, error) from error
    return folder, Manifest(
        id=place.id,
        source="hub",
        origin=origin.repo,
        revision=commit,
        licence=_licence(info),
        languages=_languages(info),
        files=manifest.describe(folder, (path.name for path in folder.iterdir())),
    )


def _ask(origin: Hub) -> ModelInfo:
    try:
        return HfApi().model_info(
            origin.repo,
            revision=origin.revision,
            files_metadata=True,
            timeout=constants.HF_HUB_ETAG_TIMEOUT,
        )
    except GatedRepoError as error:
        raise EngineError(
            Error(
                kind="unable",
                message=f"{origin.repo} asks you to accept its terms first.",
                hint="Accept them on the hub's page and set HF_TOKEN.",
            )
        ) from error
    except RepositoryNotFoundError as error:
        raise EngineError(
            Error(
                kind="unknown_model",
                message=f"The hub has no model {origin.repo}, or you may not access it.",
                hint="Check the name; for a private model set HF_TOKEN.",
            )
        ) from error
    except RevisionNotFoundError as error:
        raise _odd_answer(origin, f"no revision {origin.revision}") from error
    except (httpx.HTTPError, OSError, ValueError) as error:
        raise _unreachable(error) from error


def _remote(origin: Hub, file: RepoSibling) -> Remote:
    """Raises EngineError if the hub does not give the file's size and hash."""
    sha256 = file.lfs.sha256 if file.lfs else None
    if file.size is None or not (sha256 or file.blob_id):
        raise _odd_answer(origin, f"no size or hash of {file.rfilename}")
    return Remote(file.rfilename, file.size, sha256, file.blob_id)


def _weights(
    origin: Hub, commit: str, listed: dict[str, RepoSibling], folder: Path, report: Report
) -> tuple[list[str], bool]:
    """The weight files, in transformers' order of preference, and whether they are pickles.

    Raises:
        Broken: there are none, or an index names files that do not exist.
    """
    for single, index in (
        (checkpoint.SINGLE, checkpoint.SHARDED),
        checkpoint.PICKLES,
    ):
        pickled = single == checkpoint.PICKLES[0]
        if single in listed:
            return [single], pickled
        if index in listed:
            _fetch_all(origin, commit, [_remote(origin, listed[index])], folder, report)
            names = checkpoint.shard_names((folder / index).read_bytes())
            if missing := [name for name in names if name not in listed]:
                raise Broken(f"weights are missing: {missing[0]}")
            return names, pickled
    raise Broken("it has no weights that transformers can read")


def _require_supported(folder: Path) -> None:
    """Raises Broken for an unsupported model, before its weights are downloaded."""
    model_type = checkpoint.read_config(folder).get("model_type")
    if not isinstance(model_type, str) or not heads.supported(model_type):
        raise Broken(f"models of type {model_type!r} are not supported")


def _fetch_all(
    origin: Hub,
    commit: str,
    files: Iterable[Remote],
    folder: Path,
    report: Report,
    before: Iterable[Remote] = (),
) -> None:
    """Download missing files; progress includes those downloaded `before`."""
    files = list(files)
    got = sum(file.bytes for file in before)
    total = got + sum(file.bytes for file in files)
    for file in files:
        target = folder / file.name
        if not target.is_file():
            # Only verified files get their final name.
            part = folder / f"{file.name}.part"

            def on_bytes(done: int, name: str = file.name, start: int = got) -> None:
                report("pulling", name, start + done, total)

            _fetch(origin, commit, file, part, on_bytes)
            if not file.matches(part):
                part.unlink()
                raise EngineError(
                    Error(
                        kind="network",
                        message=f"{file.name} of {origin.repo} was corrupted in transfer.",
                        hint="Pull again; if it happens twice, check the proxy or mirror.",
                    )
                )
            part.replace(target)
        got += file.bytes


def _fetch(
    origin: Hub, commit: str, file: Remote, part: Path, on_bytes: Callable[[int], None]
) -> None:
    """Stream a file to `part`, resuming after what is there already."""
    url = hf_hub_url(origin.repo, file.name, revision=commit)
    failures = 0
    while True:
        start = part.stat().st_size if part.exists() else 0
        if start > file.bytes:
            part.unlink()
            start = 0
        if start == file.bytes and part.exists():
            return
        try:
            _stream(url, part, start, file.bytes, on_bytes)
        except (httpx.TransportError, _CutShort) as error:
            gained = part.exists() and part.stat().st_size > start
            failures = 0 if gained else failures + 1
            if failures == _ATTEMPTS:
                raise _unreachable(error) from error
            time.sleep(0.2 * 2**failures)
        except (httpx.HTTPError, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # from the disk: network errors are httpx's own
            raise _unreachable(error) from error


class _CutShort(Exception):
    """The server ended a file early without an error."""


def _stream(url: str, part: Path, start: int, size: int, on_bytes: Callable[[int], None]) -> None:
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    if start:
        headers["Range"] = f"bytes={start}-"
    with get_session().stream(
        "GET", url, headers=headers, timeout=constants.HF_HUB_DOWNLOAD_TIMEOUT
    ) as response:
        hf_raise_for_status(response)
        resumed = response.status_code == httpx.codes.PARTIAL_CONTENT
        done = start if resumed else 0
        with part.open("ab" if resumed else "wb") as stream:
            on_bytes(done)
            for chunk in response.iter_bytes(_CHUNK):
                done += len(chunk)
                if done > size:
                    break  # not the described file, as its hash will show
                stream.write(chunk)
                on_bytes(done)
    if done < size:
        raise _CutShort(f"{done:,} of {size:,} bytes")


def _missing(files: Iterable[Remote], folder: Path) -> int:
    """Bytes still to be downloaded."""
    missing = 0
    for file in files:
        if not (folder / file.name).is_file():
            part = folder / f"{file.name}.part"
            missing += file.bytes - (part.stat().st_size if part.exists() else 0)
    return max(0, missing)


def _licence(info: ModelInfo) -> str:
    licence = info.card_data.get("license") if info.card_data else None
    return licence if isinstance(licence, str) else ""


def _languages(info: ModelInfo) -> list[str]:
    languages = info.card_data.get("language") if info.card_data else None
    if isinstance(languages, str):
        return [languages]
    return [str(language) for language in languages or ()]


def _unusable(place: Place, error: Broken) -> EngineError:
    return EngineError(
        Error(
            kind="broken_model",
            message=f"{place.id} cannot be used: {error}.",
            hint="None of its weights were kept.",
        )
    )


def _odd_answer(origin: Hub, what: str) -> EngineError:
    return EngineError(
        Error(
            kind="network",
            message=f"The hub returned {what} for {origin.repo}.",
            hint="If HF_ENDPOINT names a mirror, try without it.",
        )
    )


def _unreachable(error: Exception) -> EngineError:
    reason = str(error).strip().splitlines()
    return EngineError(
        Error(
            kind="network",
            message=f"The hub at {constants.ENDPOINT} did not answer properly: "
            f"{reason[0] if reason else type(error).__name__}",
            hint="Check the network, the proxy (HTTPS_PROXY) or the mirror (HF_ENDPOINT). "
            "What was downloaded is kept; pull again to resume.",
        )
    )

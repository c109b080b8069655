"""Models on disk: the bundled ones, those pulled into the store, and local folders and files.

A folder in the store counts as a model only when it is complete: a pull works under `.partial`,
writes the manifest last and renames the whole folder into place. So a process killed at any moment
never leaves an incomplete model in the list. Nothing here imports torch or uses the network.

    <root>/models/<name>/      complete models; a catalogue id, or owner--name for other hub ids
    <root>/converted/<key>/    the user's own GGUF files, converted
    <root>/derived/            files computed from weights: see `engine.store.artifacts`
    <root>/.partial/           work in progress, and models being deleted
    <root>/.locks/             one lock per model, so that two pulls do not collide
"""

from __future__ import annotations

import difflib
import hashlib
import re
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError, refusal
from engine.interfaces import ModelFiles
from engine.messages import ModelInfo, ServerEntry
from engine.store import artifacts, catalog, gguf_files, heads, ngram_files, servers
from engine.store.catalog import Bundled, Entry, Hub
from engine.store.listing import describe
from engine.store.manifest import Damaged
from engine.store.manifest import read as read_manifest
from engine.store.ngram_files import Ngrams
from engine.store.place import UNUSABLE, Place, why

STARTER = Path(__file__).parents[1] / "starter"
_REPO = re.compile(r"(?!.*(--|\.\.|\.gguf$))[a-z0-9][\w.-]{0,95}/[a-z0-9][\w.-]{0,95}", re.A | re.I)
"""A hub id. The hub allows neither "--" nor ".." in one, so that a folder can be named after it."""
_CONVERSION = 2
"""Incremented when earlier conversions must not be used any longer."""
_LEAVING = "leaving-"


class Store:
    """All models that a request can name, with information about each."""

    def __init__(
        self,
        root: Path,
        folders: Sequence[Path] = (),
        entries: Sequence[Entry] | None = None,
        served: Sequence[ServerEntry] = (),
    ) -> None:
        """Open a store; nothing is created or read yet.

        Args:
            root: the store's folder, which need not exist.
            folders: the user's model folders and .gguf files to list in addition.
            entries: the catalogue; None: the one installed with the program.
            served: models that servers run, to list in addition.
        """
        self.root = root
        self._served = {entry.id: entry for entry in served}
        self.folders = tuple(folders)
        self.entries = catalog.load() if entries is None else tuple(entries)
        self._named = {entry.id: entry for entry in self.entries}
        for entry in self.entries:
            if isinstance(entry.origin, Hub):
                self._named.setdefault(entry.origin.repo, entry)

    def models(self) -> list[ModelInfo]:
        """All models: the catalogue, other pulled models, the user's own."""
        places = [self._catalogued(entry) for entry in self.entries]
        catalogued = {place.folder for place in places}
        pulled = self.root / "models"
        places += [
            Place(folder.name.replace("--", "/", 1), folder, "hub")
            for folder in (sorted(pulled.iterdir()) if pulled.is_dir() else ())
            if folder.is_dir() and folder not in catalogued
        ]
        places += [self._local(path) for path in self.folders]
        found = [describe(place, self.root) for place in places]
        return found + [self._served_info(entry) for entry in self._served.values()]

    def info(self, model: str) -> ModelInfo:
        """Information about one model.

        Raises:
            EngineError: unknown_model, if nothing has this name.
        """
        entry = self.served(model)
        return describe(self.place(model), self.root) if entry is None else self._served_info(entry)

    def find(self, model: str) -> ModelFiles:
        """The files of a model, ready to be loaded.

        Args:
            model: a catalogue id, a hub id that was pulled, a folder, a .gguf file, or an n-gram
                model (`engine.messages.ngrams`).

        Raises:
            EngineError: unknown_model; absent_model if it must be pulled (or, for a .gguf file,
                converted) first; broken_model with the reason; for a server's model see
                `engine.store.servers.check`.
        """
        served = self.served(model)
        if served is not None:
            return self._served_files(served)
        place = self.place(model)
        ngrams = ngram_files.named(place.id)
        if ngrams is not None:
            return _of_ngrams(ngrams)
        try:
            if not place.folder.is_dir():
                raise _absent(place)
            found, listed = place.read()
            computed = artifacts.place(self.root, place.folder)
        except UNUSABLE as error:
            raise refusal(
                "broken_model",
                "unusable_pulled" if place.ours else "unusable",
                model=place.id,
                why=why(error),
                folder=place.folder,
            ) from error
        entry = place.entry
        return ModelFiles(
            id=place.id,
            folder=place.folder,
            revision=listed.revision if listed else "",
            model_type=found.model_type,
            heads=found.heads,
            roles=heads.roles(found.heads),
            languages=tuple(entry.languages if entry else listed.languages if listed else ()),
            weight_bytes=found.weight_bytes,
            memory=found.memory,
            tied=found.tied,
            start_token=entry.start_token if entry else None,
            weights=place.weights(listed),
            derived=computed,
        )

    def remove(self, model: str) -> None:
        """Delete a pulled model, or the conversion of a .gguf file (never the file itself).

        The partial files of an interrupted pull are deleted too.

        Raises:
            EngineError: unknown_model; absent_model if there is nothing to delete; unable for
                bundled models and the user's own folders.
        """
        place = self.place(model)
        if not place.ours:
            raise refusal(
                "unable", "bundled" if place.source == "bundled" else "own_folder", model=place.id
            )
        begun = [folder for folder in (place.folder, self.partial(place)) if folder.is_dir()]
        if not begun:
            raise _absent(place)
        artifacts.forget(self.root, place.folder)
        for folder in begun:
            self.discard(folder)

    def folder(self, model: str) -> Path:
        """Where a model is on disk, or would be after a pull.

        Raises:
            EngineError: unknown_model.
        """
        return self.place(model).folder

    def unconverted(self, model: str) -> bool:
        """Whether this is a .gguf file that a `Pull` must convert before it can be loaded.

        Raises:
            EngineError: unknown_model.
        """
        if self.served(model) is not None:
            return False
        place = self.place(model)
        return place.gguf is not None and not place.folder.is_dir()

    def served(self, model: str) -> ServerEntry | None:
        """The entry of a model that a server runs; None for one that is on disk."""
        return self._served.get(model) or servers.named(model)

    def _served_info(self, entry: ServerEntry) -> ModelInfo:
        known = servers.known(self.root, entry.id)
        return ModelInfo(
            id=entry.id,
            title=entry.model or entry.url,
            roles=known.roles,
            heads=["causal"],
            languages=[],
            bytes=0,
            licence="",
            source="server",
            origin=entry.url,
            state="on_disk",
            context=known.context,
            precisions=["served"],
            unable=known.unable,
        )

    def _served_files(self, entry: ServerEntry) -> ModelFiles:
        servers.check(entry)
        wanted = entry.tokenizer or entry.model
        try:
            place = self.place(wanted)
        except EngineError as error:
            raise refusal("absent_model", "no_tokenizer", model=entry.id) from error
        if not place.folder.is_dir():
            raise refusal("absent_model", "no_tokenizer", model=entry.id)
        catalogued = place.entry
        return ModelFiles(
            id=entry.id,
            folder=place.folder,
            revision="",
            model_type="",
            heads=frozenset(["causal"]),
            roles=heads.roles(["causal"]),
            languages=tuple(catalogued.languages if catalogued else ()),
            weight_bytes=0,
            memory=0,
            start_token=catalogued.start_token if catalogued else None,
            derived=self.root,
            server=entry,
        )

    def place(self, model: str) -> Place:
        """Resolve a name: a catalogue id, else a path that exists, else a hub id.

        Raises:
            EngineError: unknown_model, with the most similar name; ``unable`` for a server's model,
                which is in no place here.
        """
        if self.served(model) is not None:
            raise refusal("unable", "served_elsewhere", model=model)
        if entry := self._named.get(model):
            return self._catalogued(entry)
        if ngrams := ngram_files.named(model):
            return Place(ngrams.id, ngrams.file, "local")
        path = _expanded(Path(model))
        try:
            if model and (path.is_dir() or (gguf_files.named(path) and path.is_file())):
                return self._local(path)
        except OSError as error:
            raise refusal("unknown_model", "unreadable_path", path=model, why=why(error)) from error
        if _REPO.fullmatch(model):
            return Place(model, self.root / "models" / model.replace("/", "--"), "hub")
        near = difflib.get_close_matches(model, list(self._named), n=1)
        if near:
            raise refusal("unknown_model", "misspelt_model", model=model, near=near[0])
        raise refusal("unknown_model", "no_such_model", model=model)

    def partial(self, place: Place) -> Path:
        """The working folder of a pull or conversion."""
        return self.root / ".partial" / place.folder.name

    def lock(self, place: Place) -> Path:
        """The lock file of a pull or conversion."""
        return self.root / ".locks" / f"{place.folder.name}.lock"

    def adopt(self, folder: Path, place: Place) -> None:
        """Move a finished folder into place, replacing what was there."""
        place.folder.parent.mkdir(parents=True, exist_ok=True)
        if place.folder.exists():
            self.discard(place.folder)
        folder.replace(place.folder)

    def discard(self, folder: Path) -> None:
        """Rename a folder away in one step, then delete it."""
        leaving = self.root / ".partial" / f"{_LEAVING}{uuid.uuid4().hex}"
        leaving.parent.mkdir(parents=True, exist_ok=True)
        folder.replace(leaving)
        shutil.rmtree(leaving, ignore_errors=True)

    def sweep(self) -> None:
        """Finish interrupted deletions; delete results computed from files that changed."""
        for folder in (self.root / ".partial").glob(f"{_LEAVING}*"):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in (self.root / "converted").glob("*"):
            try:
                origin = Path(read_manifest(folder).origin)
            except Damaged:
                continue
            if self._local(origin).folder != folder:
                self.discard(folder)
        artifacts.sweep(self.root)

    def _catalogued(self, entry: Entry) -> Place:
        if isinstance(entry.origin, Bundled):
            return Place(entry.id, STARTER / entry.origin.folder, "bundled", entry)
        return Place(entry.id, self.root / "models" / entry.id, entry.source, entry)

    def _local(self, path: Path) -> Place:
        if ngrams := ngram_files.named(str(path)):
            return Place(ngrams.id, ngrams.file, "local")
        path = _expanded(path)
        try:
            path = path.resolve()
            if not gguf_files.named(path):
                return Place(str(path), path, "local")
        except (OSError, ValueError, RuntimeError):
            return Place(str(path), path, "local")  # `describe` reports the reason
        parts = gguf_files.parts(path)
        if parts[0].is_file():
            path = parts[0]
        # A changed or moved file is converted again: hashing its content would take seconds.
        stamp = [str(_CONVERSION), str(path)]
        for part in parts:
            if part.is_file():
                stamp += [str(part.stat().st_size), str(part.stat().st_mtime_ns)]
        key = hashlib.sha256("\0".join(stamp).encode()).hexdigest()[:32]
        return Place(str(path), self.root / "converted" / key, "local", gguf=path)


def _expanded(path: Path) -> Path:
    """Expand ~; that of an unknown user is left as it is, as in a shell."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _of_ngrams(ngrams: Ngrams) -> ModelFiles:
    try:
        memory, revision = ngrams.memory, ngrams.revision
    except OSError as error:
        raise refusal("broken_model", "ngram_text", file=ngrams.file, why=why(error)) from error
    return ModelFiles(
        id=ngrams.id,
        folder=ngrams.file,
        revision=revision,
        model_type=ngram_files.MODEL_TYPE,
        heads=frozenset({"causal"}),
        roles=heads.roles({"causal"}),
        languages=(),
        weight_bytes=0,
        memory=memory,
    )


def _absent(place: Place) -> EngineError:
    if place.gguf:
        return refusal("absent_model", "unconverted", file=place.gguf.name)
    return refusal("absent_model", "absent", model=place.id)

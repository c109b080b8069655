"""What a list of models shows of one: from its files if they exist, else from the catalogue."""

from __future__ import annotations

from pathlib import Path

from msgspec import structs

from engine import precision
from engine.messages import Message, ModelInfo
from engine.store import artifacts, distances, gguf_files, heads, ngram_files
from engine.store.checkpoint import Broken
from engine.store.place import UNUSABLE, Place, why


def describe(place: Place, root: Path) -> ModelInfo:
    """Describe a place: from its files if they exist, else from the catalogue."""
    entry = place.entry
    name = _text((place.gguf or place.folder).name)
    info = ModelInfo(
        id=_text(place.id),
        title=entry.title if entry else name.replace("--", "/", 1),
        roles=list(heads.roles(entry.heads)) if entry else [],
        heads=list(entry.heads) if entry else [],
        languages=list(entry.languages) if entry else [],
        bytes=entry.bytes if entry else 0,
        licence=entry.licence if entry else "",
        source=place.source,
        origin=entry.origin.name if entry else _text(place.id),
        revision=(entry.origin.revision or "") if entry else "",
        note=Message(entry.note) if entry and entry.note else "",
        memory=entry.memory if entry else 0,
        context=entry.context if entry else None,
        chat=entry.chat if entry else False,
        weights=place.weights(None),
    )
    try:
        return _found_info(place, info, root)
    except UNUSABLE as error:
        path = _text(str(place.folder))
        return structs.replace(info, path=path, state="failed", reason=why(error))


def _found_info(place: Place, info: ModelInfo, root: Path) -> ModelInfo:
    """Add what the files say; raises what is in `UNUSABLE`."""
    if str(place.folder) != _text(str(place.folder)):
        raise Broken("reason.name_not_utf8")  # no request could name it
    ngrams = ngram_files.named(place.id)
    if ngrams is not None:
        return structs.replace(
            info,
            heads=["causal"],
            roles=list(heads.roles(["causal"])),
            bytes=place.folder.stat().st_size,
            revision=ngrams.revision,
            path=str(place.folder),
            state="on_disk",
            memory=ngrams.memory,
        )
    if not place.folder.exists():
        return _absent_info(place, info)
    found, listed = place.read()
    return structs.replace(
        info,
        roles=list(heads.roles(found.heads)),
        heads=sorted(found.heads),
        languages=list(info.languages or (listed.languages if listed else ())),
        bytes=found.weight_bytes,
        licence=info.licence or (listed.licence if listed else ""),
        revision=listed.revision if listed else "",
        path=str(place.folder),
        state="on_disk",
        memory=found.memory,
        context=found.context,
        chat=found.chat,
        weights=place.weights(listed),
        precisions=list(precision.forms(found.model_type)),
        distances=distances.read(artifacts.place(root, place.folder)),
    )


def _absent_info(place: Place, info: ModelInfo) -> ModelInfo:
    if place.source != "local":
        return info
    path = place.gguf or place.folder
    if path.exists() and not path.is_file():
        raise Broken("reason.no_regular_file", file=path.name)
    try:
        with path.open("rb") as stream:
            magic = stream.read(len(gguf_files.MAGIC))
    except FileNotFoundError:
        return structs.replace(
            info, state="failed", reason=Message.of("reason.nothing_there", path=path)
        )
    if magic != gguf_files.MAGIC:
        return structs.replace(
            info, path=str(path), state="failed", reason=Message.of("reason.no_gguf")
        )
    return structs.replace(
        info,
        heads=["causal"],
        roles=list(heads.roles(["causal"])),
        bytes=sum(part.stat().st_size for part in gguf_files.parts(path) if part.is_file()),
        path=str(path),
        state="on_disk",
        note=Message.of("note.unconverted"),
    )


def _text(name: str) -> str:
    """The name of a file as text that can be sent: an escape for each byte that is not UTF-8."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")

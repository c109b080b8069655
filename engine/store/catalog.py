"""The catalogue: models with a short name, and the source of each."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Annotated, assert_never

import msgspec
from msgspec import Meta, Struct

from engine.messages import Head, Source

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
"""Also a folder name in the store, hence without slashes or a leading dot."""
RepoId = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$")]
Commit = Annotated[str, Meta(pattern=r"^[0-9a-f]{40}$")]
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Bundled(Struct, tag_field="source", tag="bundled", frozen=True, forbid_unknown_fields=True):
    """A folder under `engine/starter`, installed with the program."""

    folder: str

    @property
    def name(self) -> str:
        """Its source, for display."""
        return "with tsuzuki"

    @property
    def revision(self) -> str:
        """None, as it changes only with the program."""
        return ""


class Hub(Struct, tag_field="source", tag="hub", frozen=True, forbid_unknown_fields=True):
    """A repository on the hub, pinned to a commit (None: `main` at the time of the pull)."""

    repo: RepoId
    revision: Commit | None

    @property
    def name(self) -> str:
        """The repository's id."""
        return self.repo


class Index(Struct, tag_field="source", tag="index", frozen=True, forbid_unknown_fields=True):
    """A GGUF file inside a wheel on the package index. Sizes in bytes."""

    package: str
    version: str
    sha256: Sha256
    bytes: int
    member: str
    """The GGUF's exact name inside the wheel."""
    member_bytes: int

    @property
    def name(self) -> str:
        """The requirement, as pip takes it."""
        return f"{self.package}=={self.version}"

    @property
    def revision(self) -> str:
        """The version, which with the pinned hash identifies one file."""
        return self.version


Origin = Bundled | Hub | Index


class Entry(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One model in the catalogue, described without its files."""

    id: Id
    title: str
    heads: list[Head]
    languages: list[str]
    bytes: int
    """Size of the download; for a bundled model, of its weights."""
    memory: int
    """Bytes of its weights in fp32, tied ones counted once."""
    licence: str
    origin: Origin
    weights: str = ""
    """How its GGUF file stores the weights: "Q4_1"."""
    note: str = ""
    """The id of a message about it."""
    context: int | None = None
    chat: bool = False
    start_token: str | None = None
    """The token before a text that is scored alone, if not the one in the configuration."""

    @property
    def source(self) -> Source:
        """The kind of its source."""
        match self.origin:
            case Bundled():
                return "bundled"
            case Hub():
                return "hub"
            case Index():
                return "index"
            case never:
                assert_never(never)


@cache
def load() -> tuple[Entry, ...]:
    """Read the catalogue that is installed with the program.

    Raises:
        msgspec.ValidationError: it is invalid; the message names the place.
    """
    text = resources.files("engine.store").joinpath("catalog.yaml").read_bytes()
    return msgspec.yaml.decode(text, type=tuple[Entry, ...])

"""Models that servers run: how they are named, and what each server was found to give.

    <root>/servers/<key>.json    what a server gave when it was last asked, for the list of models

Nothing here connects to anything.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path
from typing import get_args
from urllib.parse import SplitResult, urlsplit

import msgspec
from msgspec import Struct

from engine import json_files
from engine.errors import refusal
from engine.json_files import Unreadable
from engine.messages import Role, ServerEntry, Words

SCHEMES = ("http://", "https://")


class Known(Struct, frozen=True, kw_only=True):
    """What a server gave for a model when it was last asked."""

    id: str
    context: int | None = None
    roles: list[Role] = msgspec.field(default_factory=lambda: list(get_args(Role)))
    unable: list[Words] = []


def named(model: str) -> ServerEntry | None:
    """What ``URL#MODEL`` names; None for any other name."""
    if not model.lower().startswith(SCHEMES):
        return None
    url, _, name = model.partition("#")
    return ServerEntry(url=url.rstrip("/"), model=name)


def check(entry: ServerEntry) -> None:
    """Check that an entry may be asked.

    Raises:
        EngineError: ``bad_request`` for an address that is none, or that holds a password or a
            query; ``unable`` for one on another machine that would be asked without TLS.
    """
    parts = _split(entry.url)
    if parts is None or not parts.hostname or parts.scheme not in ("http", "https"):
        raise refusal("bad_request", "bad_server_url", url=entry.url)
    if parts.username is not None or parts.password is not None or parts.query:
        # Not repeated here: it may hold a password.
        raise refusal("bad_request", "secret_in_url", server=parts.hostname)
    if parts.scheme == "http" and not entry.plain_http and not is_loopback(parts.hostname):
        raise refusal("unable", "plain_http", server=parts.hostname)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, so that nobody else reads what is sent to it."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def known(root: Path, model: str) -> Known:
    """What is known of a model without asking; nothing if it was never asked."""
    try:
        found = json_files.json(_file(root, model), Known)
    except (OSError, Unreadable):
        return Known(id=model)
    return found if found.id == model else Known(id=model)


def keep(root: Path, found: Known) -> None:
    """Keep what a server gives; it only saves asking, so a disk that is full is no error."""
    path = _file(root, found.id)
    partial = path.with_suffix(".partial")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(msgspec.json.encode(found))
        partial.replace(path)


def _file(root: Path, model: str) -> Path:
    key = hashlib.sha256(model.encode()).hexdigest()[:32]
    return root / "servers" / f"{key}.json"


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises for one that is no number
    except ValueError:
        return None
    return parts

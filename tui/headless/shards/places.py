"""Where shards are scored: what `--on` names."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from engine.messages import Configure
from tui.config.validation import is_command
from tui.headless.io.request import own_models
from tui.strings import text
from tui.terminal.exit_codes import Failure

if TYPE_CHECKING:
    from tui.config.settings import Settings

_SSH = "ssh:"
_HERE = "local"
_RAY = "ray"


@dataclass(frozen=True)
class Host:
    """A machine with an engine; `command` leads to it, None where it is this one."""

    name: str
    command: str | None


@dataclass(frozen=True)
class Cluster:
    """A cluster of Ray's; without an address the one that runs here, or else one of this machine
    alone."""

    address: str | None


def places(on: Sequence[str], engine: str | None) -> list[Host] | Cluster:
    """The places that `--on` names; without any, that of the engine.

    ``local`` and ``ssh:HOST`` can be listed with commas between them; anything else is a command
    that leads to an engine, unless it is ``ray`` or ``ray://HOST:PORT``.

    Raises:
        Failure: one cannot be understood (exit code 2).
    """
    if not on:
        return [Host(engine or text("shards.here"), engine)]
    for each in on:
        if each == _RAY or each.startswith(f"{_RAY}://"):
            if len(on) > 1:
                raise Failure.usage(text("shards.ray_alone"))
            return Cluster(None if each == _RAY else each)
    return [host for each in on for host in _hosts(each)]


def _hosts(written: str) -> list[Host]:
    if written != _HERE and not written.startswith((_SSH, f"{_HERE},")):
        if not is_command(written):
            raise _unclear(written)
        return [Host(written, written)]
    return [_host(name.strip()) for name in written.split(",")]


def _host(name: str) -> Host:
    if name == _HERE:
        return Host(text("shards.here"), None)
    host = name.removeprefix(_SSH)
    # What begins with a dash would be an option of ssh's.
    if host == name or not host or host.startswith("-") or host.split() != [host]:
        raise _unclear(name)
    return Host(host, f"ssh {shlex.quote(host)}")


def _unclear(name: str) -> Failure:
    return Failure.usage(text("shards.unclear", name=name), text("shards.places_hint"))


def configured(settings: Settings, engine: str | None, model: str) -> Configure:
    """What an engine that a command leads to is told, or one on the machine that asks."""
    configure = structs.replace(settings, engine=engine).configure()
    return structs.replace(configure, folders=[*configure.folders, *own_models(model)])

"""What is known of a model, in words: what it can do, its state, where it comes from."""

from __future__ import annotations

from typing import get_args

from engine.messages import ModelInfo, Role
from tui.strings import listed, text


def does(info: ModelInfo) -> str:
    """The panes whose tasks it can do, by their names."""
    return listed(
        text(f"actions.pane_{role}.title") for role in get_args(Role) if role in info.roles
    )


def state(info: ModelInfo) -> str:
    """Its state without the progress of it."""
    if info.source == "server" and info.state == "on_disk":
        return text("header.on_server")
    return text(f"header.{info.state}", percent="")


def heads(info: ModelInfo) -> str:
    """Its heads, as far as they are known."""
    return listed(text(f"models.head.{head}") for head in info.heads)


def source(info: ModelInfo) -> str:
    """The kind of place that it comes from."""
    return text(f"models.source.{info.source}")


def origin(info: ModelInfo) -> str:
    """Which one of that kind; nothing for what comes with tsuzuki."""
    return "" if info.source == "bundled" else info.origin


def revision(info: ModelInfo) -> str:
    """Which version of that it is; nothing for a package, whose origin has it."""
    return "" if info.origin.endswith(f"=={info.revision}") else info.revision

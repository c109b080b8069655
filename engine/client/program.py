"""The program that is the worker: on this machine, or on another that a command reaches."""

from __future__ import annotations

import shlex
import sys
from pathlib import PurePath

FAR = ("tsuzuki", "engine")
"""What runs on the other machine."""
_SSH = (
    "-T",
    "-oBatchMode=yes",  # a question for a password would be asked behind the screen
    "-oServerAliveInterval=5",
    "-oServerAliveCountMax=2",
)


def words(command: str) -> list[str]:
    """The words of a command as a shell would read them; `$`, `*` and pipes mean nothing here.

    Raises:
        ValueError: a quotation is not closed, or there is no word.
    """
    found = shlex.split(command)
    if not found:
        raise ValueError("an empty command")
    return found


def program(command: str | None) -> list[str]:
    """The program to start: this package's own worker, or what a command reaches.

    `command` gives a byte pipe to another machine, such as ``ssh gpu-box`` or ``docker exec -i
    box``. `FAR` is added unless it ends with the word ``engine``, as it does where tsuzuki is not
    on that machine's path: ``ssh gpu-box ~/venv/bin/tsuzuki engine``. To ssh, options are added
    that let it ask nothing and notice a dead link within ten seconds.

    Raises:
        ValueError: as for `words`.
    """
    if command is None:
        return [sys.executable, "-P", "-m", "engine"]  # -P: not one in the current folder
    first, *rest = words(command)
    if PurePath(first).name == "ssh":
        rest = [*_SSH, *rest]
    if not rest or rest[-1] != FAR[-1]:
        rest = [*rest, *FAR]
    return [first, *rest]


def trial(command: str) -> str:
    """What to type in a shell to see whether the other machine is reached and has tsuzuki."""
    given = words(command)
    if given[-1] == FAR[-1]:
        del given[-1]
    else:
        given.append(FAR[0])
    return shlex.join([*given, "--version"])

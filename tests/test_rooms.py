"""The map: each room's `__init__.py` names every file and room in it, and nothing that is not."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ENTRY = re.compile(r"^ *([\w]+(?:\.py|\.yaml|/)) ", re.MULTILINE)
ROOMS = sorted(
    init.parent for package in ("engine", "tui") for init in (ROOT / package).rglob("__init__.py")
)
ONE_FOR_EACH_COMMAND = {ROOT / "tui/headless/commands", ROOT / "tui/headless/schemas"}


@pytest.mark.parametrize(
    "room",
    [room for room in ROOMS if room not in ONE_FOR_EACH_COMMAND],
    ids=lambda room: str(room.relative_to(ROOT)),
)
def test_a_room_names_what_is_in_it(room: Path) -> None:
    described = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""
    listed = ENTRY.findall(described)
    files = [file.name for file in room.glob("*.py") if file.name != "__init__.py"]
    rooms = [f"{init.parent.name}/" for init in room.glob("*/__init__.py")]
    assert {*files, *rooms} <= set(listed)
    assert all((room / name).exists() for name in listed)
    assert len(listed) == len(set(listed))

"""What every test of the interface stands on: folders of its own and a plain environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui import strings
from tui.keys.keymap import Keymap, defaults


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the tests away from the user's files, and the user's environment from the tests."""
    for kind in ("config", "state", "data"):
        monkeypatch.setenv(f"TSUZUKI_{kind.upper()}_HOME", str(tmp_path / f"{kind}-home"))
    for name in ("NO_COLOR", "SSH_CONNECTION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def default_keys() -> None:
    """Name the keys that actions have by themselves, whichever those of the test before were."""
    strings.name_keys(Keymap(defaults()).way)

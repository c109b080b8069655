"""Each variety is built and saved once a session."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.graph_models import SHAPES
from tests.support.packed_models import ODD, save


@pytest.fixture(scope="session")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a variety."""
    root = tmp_path_factory.mktemp("packed")
    folders: dict[str, Path] = {}

    def folder(variety: str) -> Path:
        if variety not in folders:
            folders[variety] = root / str(len(folders))
            save({**SHAPES, **ODD}[variety], folders[variety])
        return folders[variety]

    return folder

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.tui.headless.conftest import Tsuzuki
from tests.tui.headless.shards.test_run import score


def test_without_ray_the_extra_is_named(
    tsuzuki: Tsuzuki, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    err = score(tsuzuki, file, tmp_path / "out", "--on", "ray", code=1)
    assert err == (
        "Ray is not installed\nInstall it with the extra cluster: pip install "
        "'tsuzuki[cluster]', here and on every machine of the cluster.\n"
    )

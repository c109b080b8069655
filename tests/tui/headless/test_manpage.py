"""The manual page says what `--help` says."""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="argparse writes usage otherwise")
def test_the_manual_page_is_that_of_this_command_line(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("argparse_manpage")
    monkeypatch.setenv("COLUMNS", "80")
    made = runpy.run_path(str(ROOT / ".ci" / "manpage.py"))["page"]()
    kept = (ROOT / "man" / "tsuzuki.1").read_text(encoding="utf-8")
    assert made.split() == kept.split(), "run COLUMNS=80 python .ci/manpage.py"

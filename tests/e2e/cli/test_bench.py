"""`tsuzuki bench` end to end on a bundled model, as short as it goes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = [
    sys.executable,
    "-P",
    "-c",
    "from tui.cli import main; raise SystemExit(main())",
    "bench",
]


def bench(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {"HOME": str(home), "PATH": "/usr/bin:/bin", "TSUZUKI_DATA_HOME": str(home)}
    return subprocess.run(
        [*COMMAND, *arguments], env=env, capture_output=True, text=True, timeout=300, check=False
    )


def test_answers_agree_with_the_peers_and_ratios_are_told(tmp_path: Path) -> None:
    result = bench(tmp_path, "--quick", "--precision", "exact", "--json")
    assert result.returncode == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    assert {each["group"] for each in results} == {
        "decode starter-ja",
        "decode rinna-xsmall's shape",
        "neighbours starter-ja",
        "bandwidth",
        "first token",
        "fill",
        "score",
        "load",
        "memory",
        "start",
        "step starter-ja",
        "step rinna-xsmall's shape",
    }
    checked = [each for each in results if each["agrees"] is not None]
    assert len(checked) == 7
    assert all(each["agrees"] for each in checked)
    assert all(value > 0 for each in results for value in each["peers"].values())


def test_a_model_that_cannot_be_measured_is_told_in_a_line(tmp_path: Path) -> None:
    result = bench(tmp_path, "--quick", "--model", "starter-en")
    assert result.returncode == 1
    assert "not a causal model" in result.stderr
    assert "Traceback" not in result.stderr

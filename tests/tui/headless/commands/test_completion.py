"""Completion comes from the command line's own definitions, and a shell can use it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.tui.headless.conftest import Tsuzuki
from tui.headless.commands import COMMANDS


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_command_and_its_options_are_completed(shell: str, tsuzuki: Tsuzuki) -> None:
    script = tsuzuki("completion", shell).out
    assert all(word in script for command in COMMANDS for word in command.split())
    assert "measure" in script
    assert "confident_first" in script
    if shutil.which(shell):
        checked = subprocess.run([shell, "-n"], input=script, text=True, capture_output=True)
        assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("mod", ["models"]),
        ("models ", ["list", "info", "pull", "remove"]),
        ("models info --me", ["--measure"]),
        ("continue --precision i", ["int8", "int4"]),
        ("surprisal --file tex", ["text.txt"]),
    ],
)
@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash")
def test_bash_completes(words: str, found: list[str], tsuzuki: Tsuzuki, tmp_path: Path) -> None:
    (tmp_path / "script").write_text(tsuzuki("completion", "bash").out)
    (tmp_path / "text.txt").write_text("")
    asked = ["tsuzuki", *words.split(" ")]
    listed = " ".join(f"'{word}'" for word in asked)
    program = (
        f"source ./script; COMP_WORDS=({listed}); COMP_CWORD={len(asked) - 1}; "
        '_shtab_tsuzuki; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    ran = subprocess.run(["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True)
    assert sorted(ran.stdout.split()) == sorted(found), ran.stderr


def test_another_shell_is_wrong_use(tsuzuki: Tsuzuki) -> None:
    result = tsuzuki("completion", "tcsh")
    assert (result.code, result.out) == (2, "")
    assert "bash" in result.err

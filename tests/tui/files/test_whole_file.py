from __future__ import annotations

from pathlib import Path

import pytest

from tui.files import whole_file


def test_a_file_is_replaced_whole_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    link = tmp_path / "link"
    link.symlink_to(path)
    whole_file.write(link, "é\r\nnew\n")
    assert path.read_bytes() == "é\r\nnew\n".encode()
    assert link.is_symlink() and sorted(tmp_path.iterdir()) == [path, link]


def test_what_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")
    with pytest.raises(UnicodeError):
        whole_file.write(path, "\udc93")
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]


def test_a_device_is_written_to_and_stays_one() -> None:
    whole_file.write(Path("/dev/null"), "x")
    assert Path("/dev/null").is_char_device()

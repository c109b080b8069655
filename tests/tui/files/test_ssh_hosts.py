from __future__ import annotations

from pathlib import Path

from tui.files.ssh_hosts import hosts


def test_names_are_found_and_patterns_are_not(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "work").write_text("Host far\n  HostName 10.0.0.1\n")
    (tmp_path / "loop").write_text("Include loop\nHOST=near\n")
    config = tmp_path / "config"
    config.write_text(
        "Include conf.d/* loop\n"
        "Host box gpu-box *.example.com !bad\n  User me\n"
        'host "two" # and not three\n'
        "Host box\nHost -oProxyCommand=x\nMatch host other\nHost 'open\n"
    )
    assert hosts(config) == ["far", "near", "box", "gpu-box", "two"]


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert hosts(tmp_path / "config") == []
    (tmp_path / "config").write_bytes(b"Host \xff\n")
    assert hosts(tmp_path / "config") == []

from __future__ import annotations

import pytest

from tui.headless.shards.places import Cluster, Host, places
from tui.terminal.exit_codes import Failure


@pytest.mark.parametrize(
    ("on", "commands"),
    [
        ([], ["ssh set"]),
        (["local"], [None]),
        (["ssh:a,ssh:me@b"], ["ssh a", "ssh me@b"]),
        (["local, ssh:a", "srun --gres=gpu:1,x"], [None, "ssh a", "srun --gres=gpu:1,x"]),
    ],
)
def test_hosts(on: list[str], commands: list[str | None]) -> None:
    found = places(on, "ssh set")
    assert isinstance(found, list)
    assert [host.command for host in found] == commands
    assert all(isinstance(host, Host) and host.name for host in found)


def test_clusters() -> None:
    assert places(["ray"], None) == Cluster(None)
    assert places(["ray://head:10001"], None) == Cluster("ray://head:10001")


@pytest.mark.parametrize("on", ["ssh:", "ssh:a,b", "ssh:-oProxyCommand=x", "local,", "", "'"])
def test_what_names_no_place_is_refused(on: str) -> None:
    with pytest.raises(Failure) as refused:
        places([on], None)
    assert "names no place" in refused.value.message and "ray://HOST:PORT" in refused.value.hint

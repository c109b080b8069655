"""The short form: each fault that is quick, with nothing lost."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import get_args

import pytest

from engine.server.service import Work
from tests.faults.harness import Fault, Skipped, faults
from tests.faults.running import stop_running
from tests.faults.worker import smallest

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes"),
    pytest.mark.slow,
]

SHORT = [fault for fault in faults() if fault.short]


@pytest.fixture(scope="module", autouse=True)
def shared_app() -> Iterator[None]:
    yield
    stop_running()


@pytest.mark.parametrize("fault", SHORT, ids=lambda fault: f"{fault.kind}: {fault.name}")
def test_nothing_is_lost(fault: Fault) -> None:
    for number in range(fault.short):
        try:
            assert fault.attempt_at(0, number).lost == 0
        except Skipped as reason:
            pytest.skip(str(reason))


def test_every_kind_of_task_can_be_asked_for() -> None:
    for kind in get_args(Work):
        assert isinstance(smallest(kind, "model.gguf"), kind)

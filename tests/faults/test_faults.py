"""The short form: each fault a few times, with nothing lost."""

from __future__ import annotations

import sys

import pytest

from tests.faults.harness import Fault, faults

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits of other processes")


@pytest.mark.parametrize("fault", faults(), ids=lambda fault: f"{fault.kind}: {fault.name}")
def test_nothing_is_lost(fault: Fault) -> None:
    for number in range(fault.short):
        assert fault.attempt_at(0, number).lost == 0

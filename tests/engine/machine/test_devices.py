"""Which device a choice comes to; none of the machines that run this needs to have a GPU."""

from __future__ import annotations

import pytest
import torch

from engine.errors import EngineError
from engine.machine.devices import home, resolve
from engine.messages import Device, DeviceChoice
from tui.strings import worded


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """Let PyTorch see these GPUs."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: "cuda" in request.param)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: "mps" in request.param)


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("there", "choice", "device"),
    [
        ("", "auto", "cpu"),
        ("", "cpu", "cpu"),
        ("cuda", "cpu", "cpu"),
        ("cuda", "auto", "cuda"),
        ("mps", "auto", "mps"),
        ("cuda mps", "mps", "mps"),
    ],
    indirect=["there"],
)
def test_a_choice_comes_to_a_device(choice: DeviceChoice, device: Device) -> None:
    assert resolve(choice) == device


@pytest.mark.usefixtures("there")
@pytest.mark.parametrize(
    ("there", "choice"), [("", "cuda"), ("mps", "cuda"), ("cuda", "mps")], indirect=["there"]
)
def test_a_device_that_is_not_there_is_refused(choice: DeviceChoice) -> None:
    with pytest.raises(EngineError) as caught:
        resolve(choice)
    assert caught.value.event.kind == "unable"
    assert f"no {choice} device" in worded(caught.value.event.message)
    assert "device: cpu" in worded(caught.value.event.hint)


def test_quantised_forms_live_on_the_cpu() -> None:
    assert [home("cuda", form) for form in ("exact", "bf16", "int8", "int4")] == [
        "cuda",
        "cuda",
        "cpu",
        "cpu",
    ]

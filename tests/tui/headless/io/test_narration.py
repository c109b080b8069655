"""What a person sees while a command waits, and how long it will still take."""

from __future__ import annotations

from engine.messages import ModelState
from tui.headless.io.narration import Narrator
from tui.terminal.forecast import Forecast


def test_a_measurement_says_how_long_it_will_still_take() -> None:
    now = 100.0
    narrator = Narrator(lambda: now)

    def seen(percent: float) -> str:
        state = ModelState(model="m", state="ready", stage="measuring int8", percent=percent)
        step, progress = narrator.describe(state)
        assert step == "m  measuring int8"
        return progress

    assert seen(0) == "0 %"
    now += 1
    assert seen(1) == "1 %"  # too early to say
    now += 9
    assert seen(10) == "10 %  about 1 min 30 s left"
    now += 10
    assert seen(60) == "60 %  about 13 s left"
    assert seen(5) == "5 %"  # another round
    assert narrator.describe(ModelState(model="m", state="ready")) == ("", "")


def test_work_whose_steps_take_long_has_a_forecast_too() -> None:
    now = 0.0
    forecast = Forecast(lambda: now)
    assert forecast.progress(0) == "0 %"
    now += 60
    assert forecast.progress(25) == "25 %  about 3 min 0 s left"

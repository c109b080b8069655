"""What was chosen last is there at the next start, unless the settings file was changed since."""

from __future__ import annotations

from pathlib import Path

import msgspec

from engine.messages import Sampling
from tui.cards.drafts import Draft, first
from tui.choices import Choices
from tui.config.settings import Loaded, PaneModels, Settings


class File:
    """What is stored, over several starts."""

    def __init__(self) -> None:
        self.stored: dict[str, str] = {}

    def start(self, settings: Settings, **given: bool) -> Choices:
        loaded = Loaded(Path("settings.yaml"), settings, **given)  # type: ignore[arg-type]
        choices = Choices(lambda: loaded, self.stored.__setitem__)
        choices.read(self.stored)
        return choices


def test_the_model_and_the_settings_chosen_last_are_there_with_the_example() -> None:
    file, settings = File(), Settings()
    begun = file.start(settings).draft("continue", None)
    assert begun == first("continue", settings)
    chosen = msgspec.structs.replace(
        begun, model="tiny", sampling=Sampling(temperature=0.5), text="own words"
    )
    file.start(settings).keep("continue", chosen)
    again = file.start(settings).draft("continue", None)
    assert (again.model, again.sampling.temperature, again.text) == ("tiny", 0.5, begun.text)


def test_the_file_wins_where_it_was_changed_since() -> None:
    file, settings = File(), Settings()
    choices = file.start(settings)
    choices.theme()
    choices.choose("theme", "light")
    begun = choices.draft("continue", None)
    choices.keep("continue", msgspec.structs.replace(begun, model="tiny", max_tokens=9))
    changed = Settings(models=PaneModels(continue_="other"), theme="ansi")
    for _ in range(2):
        draft = file.start(changed).draft("continue", None)
        assert (draft.model, draft.max_tokens) == ("other", 9)
        file.start(changed).keep("continue", draft)
    assert file.start(changed).theme() == "ansi"
    file.start(changed).choose("theme", "light")
    assert file.start(changed).theme() == "light"


def test_a_flag_counts_for_its_own_start_alone() -> None:
    file, settings = File(), Settings()
    choices = file.start(settings)
    choices.keep("fill", msgspec.structs.replace(choices.draft("fill", None), model="tiny"))
    flagged = Settings(models=PaneModels(fill="flag"), theme="ansi")
    given = file.start(flagged, model_given=True, theme_given=True)
    assert (given.draft("fill", None).model, given.theme()) == ("flag", "ansi")
    assert given.draft("fill", Draft(model="session", text="x")).model == "flag"
    after = file.start(settings)
    assert (after.draft("fill", None).model, after.theme()) == ("tiny", "dark")


def test_a_session_that_goes_on_keeps_its_own() -> None:
    file = File()
    found = Draft(model="session", text="x", max_tokens=3)
    file.start(Settings()).draft("continue", None)
    assert file.start(Settings(max_tokens=99)).draft("continue", found) == found


def test_what_another_version_stored_is_passed_over() -> None:
    file = File()
    file.stored = {"draft.score": "{", "settings.score": "[1]"}
    assert file.start(Settings()).draft("score", None) == first("score", Settings())

"""Every example works with the models that come with the app."""

from __future__ import annotations

import re
from itertools import chain
from pathlib import Path

import pytest

from engine.messages import MASK, Fill, FillResult
from engine.runtime.loaded import LoadedModel
from engine.tasks import masking
from tests.support.bundles import STARTER, load
from tests.support.fake_engine import MODELS, TaskEngine, make, pane, running
from tests.support.screen_host import model, seen, until
from tui.analysis.masks import masks
from tui.config.settings import PaneModels, Settings
from tui.examples import Example, examples
from tui.strings import LANGUAGES


@pytest.fixture(scope="module")
def bundled() -> dict[str, LoadedModel]:
    return {
        "en": load(STARTER / "starter-en", "masked", "next_sentence"),
        "ja": load(STARTER / "starter-ja", "causal"),
    }


def test_there_is_a_dozen_of_each() -> None:
    for languages in examples().values():
        for found in languages.values():
            assert len({each.name for each in found}) == len(found) >= 12


def test_every_example_says_what_to_look_at_in_each_language() -> None:
    kana = re.compile(r"[ぁ-んァ-ヶ]")
    for found in chain.from_iterable(each.values() for each in examples().values()):
        for example in found:
            assert example.notes.keys() == set(LANGUAGES), example
            assert kana.search(example.notes["ja"]), example
            assert re.search(r"[a-z]{2,}", example.notes["en"]), example


@pytest.mark.parametrize("language", ["en", "ja"])
@pytest.mark.parametrize("role", ["continue", "fill", "score"])
def test_the_bundled_models_know_every_word(
    bundled: dict[str, LoadedModel], role: str, language: str
) -> None:
    knowing = bundled["ja" if role == "continue" else language]
    found: list[Example] = {str(key): value for key, value in examples().items()}[role][language]
    for each in found:
        pieces = list(
            chain.from_iterable(
                knowing.tokenizer.encode(part)
                for part in chain(each.text.split(MASK), [each.second])
                if part
            )
        )
        assert pieces and knowing.tokenizer.unknown not in [piece.id for piece in pieces], each
        assert bool(each.second) == (role == "score")
        assert len(masks(each.text)) == len(each.hidden), each
        assert bool(each.hidden) == (role == "fill")


@pytest.mark.parametrize("language", ["en", "ja"])
def test_every_hidden_word_has_a_probability(
    bundled: dict[str, LoadedModel], language: str
) -> None:
    for each in examples()["fill"][language]:
        request = Fill(model=language, text=each.text, hidden=list(each.hidden))
        answers = masking.run(bundled[language], request, 0.0)
        (result,) = (event for event in answers if isinstance(event, FillResult))
        for mask in result.masks:
            assert mask.hidden is not None and mask.hidden.prob, each


async def test_an_example_is_chosen_in_the_palette_and_undone(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3")
        here = pane(app)
        before = here.composers[0].text
        await pilot.press("ctrl+p")
        await pilot.press(*"examples")
        await until(pilot, lambda: "Examples" in seen(app))
        await pilot.press("enter")
        await pilot.pause()
        await pilot.press(*"reflex")
        await until(pilot, lambda: "Reflexive" in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: "mirror" in here.composers[0].text)
        assert here.draft.hidden == ("himself",)
        assert here.composers[0].has_focus
        await pilot.press("ctrl+z")
        assert here.composers[0].text == before


async def test_an_example_of_another_language_brings_a_model_that_reads_it(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("f3")
        here = pane(app)
        assert here.draft.model == "starter-en"
        found = examples()["fill"]
        here.gallery.take("ja", found["ja"][0])
        assert here.draft.model == "starter-ja"
        here.gallery.take("en", found["en"][0])
        assert here.draft.model == "starter-en"


@pytest.mark.parametrize(("reads", "begins"), [("en", "Once upon a time"), ("ja", "羽田空港")])
async def test_it_begins_with_an_example_that_the_model_reads(
    tmp_path: Path, reads: str, begins: str
) -> None:
    other = model("other", heads=["causal"], languages=[reads])
    settings = Settings(models=PaneModels(continue_="other"))
    app = make(tmp_path, TaskEngine([*MODELS, other]), settings=settings)
    async with running(app) as pilot:
        await until(pilot, lambda: begins in seen(app))
        assert pane(app).draft.text.startswith(begins)


async def test_what_was_written_stays_whatever_the_model_reads(tmp_path: Path) -> None:
    app = make(tmp_path, TaskEngine([*MODELS, model("other", heads=["causal"], languages=["en"])]))
    async with running(app) as pilot:
        here = pane(app)
        here.composers[0].fill("東京")
        await pilot.pause()
        here.use_model("other")
        here.gallery.suit()
        assert here.composers[0].text == "東京"

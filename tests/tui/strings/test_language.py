"""The language of the text: chosen by the settings, else by the locale, and changed live."""

from __future__ import annotations

import re
import string
from contextlib import suppress
from pathlib import Path

import pytest

from tests.support.fake_engine import answered, make, pane, running
from tests.support.screen_host import seen, until
from tui import cli, strings
from tui.config.settings import Settings
from tui.headless.io import settings_file


@pytest.mark.parametrize(
    ("environ", "language"),
    [
        ({}, "en"),
        ({"LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANG": "ja"}, "ja"),
        ({"LANG": "ja@calendar"}, "ja"),
        ({"LANG": "jam_JM.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LC_MESSAGES": "ja_JP", "LANG": "en_US.UTF-8"}, "ja"),
        ({"LC_ALL": "en_US.UTF-8", "LC_MESSAGES": "ja_JP", "LANG": "ja_JP"}, "en"),
        ({"LC_ALL": "", "LANG": "ja_JP.UTF-8"}, "ja"),
        ({"LANGUAGE": "de:ja:en", "LANG": "de_DE.UTF-8"}, "ja"),
        ({"LANGUAGE": "ja"}, "ja"),
        ({"LANGUAGE": "ja", "LC_ALL": "C"}, "en"),
        ({"LANGUAGE": "en", "LANG": "ja_JP.UTF-8"}, "en"),
    ],
)
def test_the_locale_names_a_language(environ: dict[str, str], language: str) -> None:
    assert strings.of_locale(environ) == language


def test_all_languages_have_the_same_keys_and_placeholders() -> None:
    english = strings.placeholders("en")
    for language in strings.LANGUAGES:
        own = strings.placeholders(language)
        assert own.keys() ^ english.keys() == set()
        assert {key: names for key, names in own.items() if names != english[key]} == {}


def test_only_figures_are_formatted_in_one_way_in_all_languages() -> None:
    """A size is a size and a percentage one everywhere; plurals are each language's own."""

    def figures(language: strings.Language) -> dict[str, list[tuple[str, str]]]:
        return {
            key: sorted(
                (name, spec or "")
                for _, name, spec, _ in string.Formatter().parse(written)
                if name is not None and "|" not in (spec or "") and spec
            )
            for key, written in strings.table(language).items()
        }

    english = figures("en")
    for language in strings.LANGUAGES:
        own = figures(language)
        assert {key: own[key] for key in own if own[key] != english[key]} == {}


def test_every_text_is_in_its_language() -> None:
    """Only names, figures and texts of one word are alike in both."""
    kana = re.compile(r"[ぁ-んァ-ヶ一-龯]")
    plain = {
        key: written
        for key, written in strings.table("ja").items()
        if not kana.search(written) and re.search(r"[a-z]{3,} [a-z]{3,}", written)
    }
    assert plain == {}
    foreign = [key for key, text in strings.table("en").items() if kana.search(text)]
    # The lesson reads Japanese sentences and quotes their tokens.
    assert [key for key in foreign if not key.startswith("lesson.")] == []


@pytest.mark.parametrize("words", [("--config", "PATH"), ("--config=PATH", "--help")])
def test_a_command_line_is_in_the_language_of_its_settings(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("language: ja\n")
    given = [word.replace("PATH", str(path)) for word in words]
    assert settings_file.language(given) == "ja"
    assert settings_file.language(["--", *given]) == "auto"
    assert settings_file.language(["--config"]) == "auto"


@pytest.mark.parametrize(
    "line",
    [
        "",
        "sing",
        "models",
        "fill --top x a",
        "fill --json=3 a",
        "fill --precision int3 a",
        "fill --top 0 [MASK]",
        "continue --greedy --temperature 1 a",
        "continue --words",
        "continue --words a b c",
        "--help",
        "fill --help",
        "models pull --help",
        "score --file /nowhere/at/all",
    ],
)
def test_nothing_on_a_command_line_is_answered_in_english(
    line: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANGUAGE", "ja")
    with suppress(SystemExit):
        cli.main(line.split())
    captured = capsys.readouterr()
    # Names of options, commands and files are no sentences.
    said = re.sub(r"tsuzuki [a-z ]+|\S*[-/.\[\]|_A-Z]\S*|'[^']*'", "", captured.out + captured.err)
    assert re.search(r"[ぁ-ん]", said)
    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}", said)


async def test_everything_changes_at_once_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press("enter")
        await answered(pilot, app, 1)
        await pilot.press(*"draft")
        assert "Continue" in seen(app) and "greedy" in seen(app)
        app.use_language("ja")
        await until(pilot, lambda: "続ける" in seen(app))
        now = seen(app)
        for english in ("Continue", "Quit", "greedy", "tokens", "seed"):
            assert english not in now, english
        assert "貪欲" in now and "終了" in now
        assert pane(app).composers[0].text == "draft"
        app.use_language("en")
        await until(pilot, lambda: "Quit" in seen(app) and "greedy" in seen(app))


async def test_the_choice_is_there_at_the_next_start(tmp_path: Path) -> None:
    app = make(tmp_path)
    async with running(app) as pilot:
        app.use_language("ja")
    strings.use("en")
    again = make(tmp_path)
    async with running(again) as pilot:
        await until(pilot, lambda: "続ける" in seen(again))


async def test_a_language_is_chosen_by_its_own_name(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(language="ja"))
    async with running(app) as pilot:
        app.action_language()
        await until(pilot, lambda: "日本語" in seen(app) and "English" in seen(app))
        await pilot.press(*"Eng")
        await until(pilot, lambda: "日本語" not in seen(app))
        await pilot.press("enter")
        await until(pilot, lambda: "Continue" in seen(app))


async def test_the_settings_are_read_again_in_their_language(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    app = make(tmp_path)
    async with running(app) as pilot:
        await pilot.press(*"draft", "f10")
        await until(pilot, lambda: "There is no file" in seen(app))
        path.write_text("language: ja\nbogus: 1\n")
        await pilot.press("r")
        await until(pilot, lambda: "有効な設定" in seen(app))
        assert "「bogus」という設定はありません" in seen(app)
        await pilot.press("escape")
        await until(pilot, lambda: "終了" in seen(app))
        assert pane(app).composers[0].text.endswith("draft")


async def test_the_app_begins_in_the_language_of_the_settings(tmp_path: Path) -> None:
    app = make(tmp_path, settings=Settings(language="ja"))
    async with running(app):
        assert "文章の続きを" in seen(app)

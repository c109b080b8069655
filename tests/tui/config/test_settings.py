"""The settings file: whatever it holds, the app starts and says what is wrong."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from engine import wire
from engine.messages import Sampling
from tui import strings
from tui.config import settings
from tui.config.settings import Settings
from tui.files import paths
from tui.files.yaml_reader import Table, parse


def loaded(tmp_path: Path, source: str) -> settings.Loaded:
    path = tmp_path / "settings.yaml"
    path.write_text(source, encoding="utf-8")
    return settings.load(path)


def complaints(found: settings.Loaded) -> list[str]:
    return [str(problem).removeprefix(f"{found.path}:") for problem in found.problems]


def test_no_file_is_all_defaults(tmp_path: Path) -> None:
    found = settings.load(tmp_path / "none.yaml")
    assert found.settings == Settings()
    assert not found.problems


def test_values_are_read(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "theme: light\nenter_sends: false\nlow_bandwidth: on\nprecision: auto\n"
        "models: {continue: gpt2}\nsampling: {temperature: 0, seed: 7}\nidle_minutes: 2\n"
        "keymap: {send: f5, stop: [escape, ctrl+g]}\n",
    )
    assert not found.problems
    assert found.settings.theme == "light"
    assert not found.settings.enter_sends
    assert found.settings.low_bandwidth == "on"
    assert found.settings.models.of("continue") == "gpt2"
    assert found.settings.models.of("fill") == "starter-en"
    assert found.settings.precision == "auto"
    assert found.settings.sampling == Sampling(temperature=0, seed=7)
    assert found.settings.configure().idle_s == 120
    assert found.settings.keymap == {"send": "f5", "stop": ["escape", "ctrl+g"]}


def test_each_mistake_is_named_with_its_place_and_the_rest_counts(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "theme: 5\nlayout: singel\nlyaout: single\nmax_tokens: 12\nmax_tokens: 13\n"
        "sampling:\n  top_p: 3\n  top_k: 9\nmodels: nonsense\nkeymap:\n  send: 1\n  stop: f5\n"
        "precision: int5\n",
    )
    assert complaints(found) == [
        "1:8: theme: must be a text",
        '2:9: layout must be one of auto, single; did you mean "single"?',
        '3:1: there is no setting "lyaout"; did you mean "layout"?',
        '5:1: "max_tokens" is set twice; the first one counts',
        "7:10: sampling.top_p: must be 1 or less",
        '9:9: models must hold lines like "name: value"',
        "11:9: keymap.send: must be a text",
        '13:12: precision must be one of exact, bf16, int8, int4, auto; did you mean "int8"?',
    ]
    assert found.settings.max_tokens == 12
    assert found.settings.sampling == Sampling(top_k=9)
    assert found.settings.keymap == {"stop": "f5"}


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("a: [1\nb: 2\n", "2:2: expected ',' or ']', but got ':'"),
        ("- theme\n", '1:1: settings.yaml must hold lines like "name: value"'),
        ("theme: &x dark\nlayout: *x\n", "2:9: aliases (*name) are not used here"),
        ("theme: !!python/name:os.system\n", "1:8: unknown tag python/name:os.system"),
        ("max_tokens: !!int nine\n", "1:13: nine is not a number"),
        ("? [a]\n: b\n", "1:3: a name must be a single word"),
        ("theme: a\x07\n", "1:1: holds a character that YAML does not allow"),
    ],
)
def test_files_that_are_not_settings(tmp_path: Path, source: str, complaint: str) -> None:
    found = loaded(tmp_path, source)
    assert complaint in complaints(found)
    assert found.settings == Settings()


def test_bytes_that_are_not_text(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_bytes(b"theme: dark\nlayout: \xff\n")
    assert complaints(settings.load(path)) == ["2:1: is not UTF-8 text"]
    path.write_bytes(b"#" * 2_000_000)
    assert "longer than" in str(settings.load(path).problems[0])
    assert "cannot be read" in str(settings.load(tmp_path).problems[0])


def test_a_deep_nest_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    found = loaded(tmp_path, "a: " + "[" * 3000 + "]" * 3000)
    assert complaints(found)[0].endswith("is nested too deeply")


@given(st.text(alphabet="abcdef:{}[]-*&!|>?'\"#,% \n\t01.\x00\u3042", max_size=60))
def test_any_text_is_read_or_explained(source: str) -> None:
    table, problems = parse(source, Path("x"))
    assert table is not None or problems


NAMES = st.sampled_from([*Settings.__struct_encode_fields__, "nonsense"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(st.dictionaries(NAMES, VALUES))
def test_any_values_give_settings(values: dict[str, object]) -> None:
    table, problems = parse(yaml.safe_dump(values, allow_unicode=True), Path("x"))
    assert table is not None, problems
    assert set(table.items) == set(values)
    assert isinstance(settings.read_table(table, Path("x")).settings, Settings)


@pytest.mark.parametrize("language", strings.LANGUAGES)
def test_the_template_documents_every_setting_with_its_default(
    tmp_path: Path, language: strings.Language
) -> None:
    strings.use(language)
    path = settings.create(tmp_path / "new" / "settings.yaml")
    untouched = settings.load(path)
    assert untouched.settings == Settings()
    assert not untouched.marks
    source = re.sub(r"^# (?= *[a-z_]+:( |$))", "", settings.template(), flags=re.MULTILINE)
    table, problems = parse(source, path)
    assert table is not None
    assert not problems
    assert set(table.items) == set(Settings.__struct_encode_fields__)
    del table.items["keymap"]
    found = settings.read_table(table, path)
    assert not found.problems
    assert found.settings == Settings()
    sampling = table.items["sampling"]
    assert isinstance(sampling, Table)
    assert set(sampling.items) == set(Sampling.__struct_encode_fields__)


def test_the_users_file_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("theme: light\n")
    settings.create(path)
    assert path.read_text() == "theme: light\n"


def test_slow_link_follows_ssh_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    assert not Settings().slow_link()
    monkeypatch.setenv("SSH_CONNECTION", "1 2 3 4")
    assert Settings().slow_link()
    assert not Settings(low_bandwidth="off").slow_link()


def test_folders_come_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TSUZUKI_STATE_HOME", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert paths.history_file() == tmp_path / "xdg" / "tsuzuki" / "history.sqlite3"
    monkeypatch.setenv("TSUZUKI_STATE_HOME", str(tmp_path / "own"))
    assert paths.history_file() == tmp_path / "own" / "history.sqlite3"
    monkeypatch.delenv("TSUZUKI_STATE_HOME")
    monkeypatch.setenv("XDG_STATE_HOME", "relative")
    assert paths.folder("state").is_absolute()
    made = paths.ensure(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ('store: "/tmp/\\udcffx"', "1:8: holds an invalid character"),
        ('store: "/tmp/\\0x"', "1:8: holds an invalid character"),
        ('model_folders: [/a, "\\ud800"]', "1:21: holds an invalid character"),
        ('keymap: {"\\udcff": f5}', "1:10: holds an invalid character"),
        ("store: ~nosuch/x", "1:8: store: ~nosuch/x names a user who is not on this machine"),
        ("export_folder: ~nosuch", "1:16: export_folder: ~nosuch names a user"),
        ("model_folders: [/a, ~nosuch/x]", "1:16: model_folders: ~nosuch/x names a user"),
        ("sampling: {top_k: 99999999999999999999}", "1:19: sampling.top_k"),
    ],
)
def test_what_no_folder_and_no_message_can_hold_is_named_and_the_default_counts(
    tmp_path: Path, line: str, complaint: str
) -> None:
    found = loaded(tmp_path, f"{line}\nmax_tokens: 9\n")

    assert complaints(found)[0].startswith(complaint)
    assert found.settings.max_tokens == 9
    assert wire.encode(1, found.settings.configure())
    assert found.settings.configure().store == str(paths.store_folder())
    assert found.settings.exports() == Path.cwd()


def test_a_pipe_in_place_of_the_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "settings.yaml")

    found = settings.load(tmp_path / "settings.yaml")

    assert [problem.message for problem in found.problems] == ["is not a file"]
    assert found.settings == Settings()

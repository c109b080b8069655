"""Theme files: what is good is applied, what is not is named with its line and left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from textual.app import App, ComposeResult
from textual.css.stylesheet import Stylesheet
from textual.theme import BUILTIN_THEMES
from textual.widgets import DataTable, Footer, Input, Label

from tui import theming
from tui.files.yaml_reader import parse
from tui.theming.loader import build
from tui.theming.schema import BUCKETS, Colors, Marks

GOOD = """\
name: mine
colors:
  primary: "#82aaff"
  foreground: white
  background: "#101010"
"""
BUILTIN = theming.load_builtin().themes
MARKS = [f"token-{n}" for n in range(BUCKETS)] + [*Marks.__struct_encode_fields__]
EVERY_VARIABLE = "\n".join(
    f"Label {{ color: ${m}-color; background: ${m}-background; text-style: ${m}-style; }}"
    for m in MARKS
)


def folder(tmp_path: Path, **files: str) -> theming.LoadResult:
    for name, source in files.items():
        (tmp_path / f"{name}.yaml").write_text(source, encoding="utf-8")
    return theming.load_folder(tmp_path)


def complaints(tmp_path: Path, source: str) -> list[str]:
    found = folder(tmp_path, theme=source)
    assert not found.themes
    return [str(p).removeprefix(f"{tmp_path / 'theme.yaml'}:").strip() for p in found.problems]


def test_the_bundled_themes_are_all_there() -> None:
    found = theming.load_builtin()
    assert not found.problems
    names = {"dark", "light", "high-contrast", "colour-blind", "ansi", "no-colour"}
    assert names <= set(found.themes)
    assert theming.DEFAULT in found.themes


class Everything(App[None]):
    CSS = EVERY_VARIABLE

    def compose(self) -> ComposeResult:
        yield Label("text")
        yield Input("text")
        yield DataTable[str]()
        yield Footer()

    def on_mount(self) -> None:
        # As the app does: the themes are there before the first one is applied.
        for theme in BUILTIN.values():
            self.register_theme(theme)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return BUILTIN[theming.DEFAULT].variables


async def test_every_bundled_theme_can_be_applied() -> None:
    app = Everything()
    every_name = set(BUILTIN_THEMES["textual-dark"].to_color_system().generate())
    async with app.run_test() as pilot:
        for name, theme in BUILTIN.items():
            app.theme = name
            await pilot.pause()
            style = app.query_one(Label).styles
            assert style.color.hex == theme.variables["offer-color"]
            assert set(app.theme_variables) >= every_name


def test_three_colours_make_a_theme(tmp_path: Path) -> None:
    found = folder(tmp_path, theme=GOOD)
    assert not found.problems
    theme = found.themes["mine"]
    assert theme.surface != theme.panel != theme.background
    for mark in MARKS:
        assert theme.variables[f"{mark}-color"]


def test_marks_and_textuals_variables_are_taken(tmp_path: Path) -> None:
    source = GOOD + (
        'marks:\n  mask: "#000 on white bold underline"\n  bar-rest: "#333"\n'
        "textual: {border: red, block-cursor-text-style: reverse}\n"
    )
    theme = folder(tmp_path, theme=source).themes["mine"]
    assert theme.variables["mask-color"] == "#000000"
    assert theme.variables["mask-background"] == "#FFFFFF"
    assert theme.variables["mask-style"] == "bold underline"
    assert theme.variables["bar-rest-color"] == "#333333"
    assert theme.variables["border"] == "#FF0000"
    assert theme.variables["block-cursor-text-style"] == "reverse"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("colors: {}\n", 'there is no "name"'),
        ("name: x\ncolors: {primary: red}\n", 'there is no "colors.foreground"'),
        (GOOD + "tokens: [red]\n", "6:9: tokens: must be 5 colours"),
        (GOOD.replace("white", "whiet"), '4:15: colors.foreground: "whiet" is not a colour'),
        (GOOD.replace("white", "'#f'"), '4:15: colors.foreground: "#f" is not a colour'),
        (GOOD.replace("white", "auto"), '4:15: colors.foreground: "auto" is not a colour'),
        (GOOD.replace("primary", "primray"), '3:3: there is no setting "colors.primray"; did you'),
        (GOOD + "marks: {mask: red on}\n", '6:15: marks.mask: "red on" does not read like'),
        (GOOD + "marks: {msak: red}\n", '6:9: there is no setting "marks.msak"; did you mean'),
        (GOOD + "textual: {bodrer: red}\n", '6:19: textual.bodrer: Textual has no variable "bodr'),
        (GOOD + "textual: {border: rde}\n", '6:19: textual.border: "rde" is not a colour'),
        (GOOD + "textual: {link-style: loud}\n", '6:23: textual.link-style: "loud" is not made'),
        (GOOD.replace("white", "'#222222'"), "4:15: colors.foreground: foreground on background"),
        (GOOD + "marks: {mask: white on white}\n", "6:15: marks.mask: mask on its ground has a"),
        (GOOD.replace("white", "ansi_red"), "4:15: colors.foreground: the terminal's own"),
        (GOOD + "ansi: true\n", "3:12: colors.primary: with ansi: true, only"),
        (GOOD + "dark: perhaps\n", "6:7: dark: must be true or false"),
        ("name: [\n", "2:1: expected the node content"),
    ],
)
def test_what_is_wrong_is_named_and_left_out(tmp_path: Path, source: str, complaint: str) -> None:
    found = complaints(tmp_path, source)
    assert any(c.removeprefix(f"{tmp_path}/theme.yaml: ").startswith(complaint) for c in found), (
        found
    )


def test_a_broken_theme_does_not_harm_the_others(tmp_path: Path) -> None:
    found = folder(tmp_path, a="nonsense", b=GOOD, c=GOOD, d=GOOD.replace("mine", "ours"))
    assert set(found.themes) == {"mine", "ours"}
    assert [problem.file.name for problem in found.problems] == ["a.yaml", "c.yaml"]


def test_a_users_theme_stands_before_a_bundled_one_of_its_name(tmp_path: Path) -> None:
    both = theming.load_builtin() | folder(tmp_path, theme=GOOD.replace("mine", "dark"))
    assert both.themes["dark"].background == "#101010"


def test_no_folder_is_no_problem(tmp_path: Path) -> None:
    assert theming.load_folder(tmp_path / "none") == theming.LoadResult()


COLOR = st.sampled_from(
    ["red", "#fff", "#ffff", "#12345678", "rgb(1,2,3)", "hsl(1,2%,3%)", "ansi_red", "transparent"]
) | st.text(alphabet="#abcdefrgb()123,% on;{}$", max_size=12)
VARIABLES = st.sampled_from(["border", "text", "link-style", "footer-background", "nothing"])


@given(
    st.fixed_dictionaries(
        {
            "name": st.text(min_size=1, max_size=5),
            "colors": st.just(yaml.safe_load(GOOD)["colors"]),
        },
        optional={
            "ansi": st.booleans(),
            "tokens": st.lists(COLOR, min_size=4, max_size=5),
            "marks": st.dictionaries(st.sampled_from(MARKS), COLOR, max_size=3),
            "textual": st.dictionaries(VARIABLES, COLOR, max_size=3),
        },
    ),
    st.dictionaries(st.sampled_from(Colors.__struct_encode_fields__), COLOR, max_size=3),
)
def test_textual_takes_every_theme_that_is_let_through(
    values: dict[str, object], colors: dict[str, str]
) -> None:
    base = values["colors"]
    assert isinstance(base, dict)
    values["colors"] = base | colors
    table, problems = parse(yaml.safe_dump(values, allow_unicode=True), Path("x"))
    assert table is not None, problems
    theme, problems = build(table, Path("x"))
    if theme is None:
        assert problems
        return
    sheet = Stylesheet(variables=theme.to_color_system().generate() | theme.variables)
    sheet.add_source(EVERY_VARIABLE + "\nInput { border: solid $border; color: $text; }")
    sheet.parse()

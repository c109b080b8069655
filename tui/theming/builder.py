"""From a theme file that reads well to a Textual theme: what it leaves out, and what is wrong."""

from __future__ import annotations

import msgspec
from textual.color import Color
from textual.theme import Theme

from tui.config.validation import Reader
from tui.files.yaml_reader import Mark, nearest
from tui.strings import text
from tui.theming.contrast import ratio
from tui.theming.schema import BUCKETS, STYLES, Colors, Look, Marks, ThemeFile, colour

READABLE = 3.0
"""The least contrast of text on its ground: WCAG's limit for large text. Below it a theme is
refused as unreadable. The bundled ones are held to more by their tests."""

_NEEDED = ("primary", "foreground", "background")
_FALLBACK = {
    # (dark, ansi): colours for what a theme does not say
    (True, False): {"warning": "#e0af68", "error": "#ff8a94", "success": "#8fd694"},
    (False, False): {"warning": "#7a4f00", "error": "#b3001b", "success": "#1b6b34"},
    (True, True): {"warning": "ansi_yellow", "error": "ansi_red", "success": "ansi_green"},
    (False, True): {"warning": "ansi_yellow", "error": "ansi_red", "success": "ansi_green"},
}

_ANSI_GAPS = {
    "ansi-background": "ansi_default",
    "ansi-foreground": "ansi_default",
    "foreground-disabled": "ansi_default",
    "surface-active": "ansi_default",
}
"""Variables that Textual 8.2.8's own style sheets use and its ANSI colour system leaves out."""


class Builder:
    """Makes one theme. Its result counts only if the reader has no problems afterwards."""

    def __init__(self, file: ThemeFile, reader: Reader) -> None:
        self._file = file
        self._reader = reader
        self._fallback = _FALLBACK[file.dark, file.ansi]

    def theme(self) -> Theme | None:
        """The theme, or None where it lacks what no other colour can follow from."""
        missing = [name for name in _NEEDED if not getattr(self._file.colors, name)]
        for name in ([] if self._file.name else ["name"]) + [f"colors.{name}" for name in missing]:
            self._reader.complain(Mark(0, 0), text("themes.missing", name=name))
        if missing or not self._file.name:
            return None
        base = self._base()
        looks = {f"token-{n}": look for n, look in enumerate(self._tokens(base))}
        looks |= self._marks(base)
        self._judge(base, looks)
        theme = Theme(
            name=self._file.name,
            dark=self._file.dark,
            ansi=self._file.ansi,
            variables=dict(_ANSI_GAPS) if self._file.ansi else {},
            primary=base["primary"].hex,
            secondary=base["secondary"].hex,
            accent=base["accent"].hex,
            warning=base["warning"].hex,
            error=base["error"].hex,
            success=base["success"].hex,
            foreground=base["foreground"].hex,
            background=base["background"].hex,
            surface=base["surface"].hex,
            panel=base["panel"].hex,
        )
        if not self._reader.problems:
            for name, look in looks.items():
                theme.variables |= look.variables(name)
            theme.variables |= self._textual(theme)
        return theme

    def _base(self) -> dict[str, Color]:
        """Every base colour, derived where the file does not set it."""
        given = {
            name: self._color(written, f"colors.{name}")
            for name, written in msgspec.structs.asdict(self._file.colors).items()
            if written
        }
        text_color, ground = given["foreground"], given["background"]
        derived = {
            "secondary": given["primary"],
            "accent": given["primary"],
            "surface": ground if self._file.ansi else ground.blend(text_color, 0.04),
            "panel": ground if self._file.ansi else ground.blend(text_color, 0.09),
        }
        derived |= {name: Color.parse(written) for name, written in self._fallback.items()}
        return derived | given

    def _tokens(self, base: dict[str, Color]) -> list[Look]:
        """How tokens are drawn, from the likeliest to the most surprising one."""
        if not self._file.tokens:
            return [
                Look(base["success"]),
                Look(base["foreground"]),
                Look(base["accent"]),
                Look(base["warning"]),
                Look(base["error"], style="underline"),
            ]
        if len(self._file.tokens) != BUCKETS:
            message = text("themes.tokens", count=BUCKETS)
            self._complain("tokens", message)
        return [self._look(written, "tokens") for written in self._file.tokens]

    def _marks(self, base: dict[str, Color]) -> dict[str, Look]:
        """How every mark is drawn."""
        ansi, plain, ground = self._file.ansi, base["foreground"], base["background"]
        faint = Look(plain, style="dim") if ansi else Look(plain.blend(ground, 0.3))
        track = Look(plain, style="dim") if ansi else Look(plain.blend(ground, 0.75))
        looks = {
            "prompt": Look(base["accent"], style="bold"),
            "facts": faint,
            "bar": Look(base["primary"]),
            "bar-rest": track,
            "chip": Look(base["success"]),
            "busy": Look(base["warning"]),
            "failed": Look(base["error"], style="bold"),
            "chosen": Look(base["primary"]),
            "cursor": Look(base["primary"], style="bold reverse"),
            "mask": Look(base["warning"], style="bold reverse"),
            "offer": Look(base["accent"], style="bold"),
        }
        if not ansi:
            looks["cursor"] = Look(ground, base["primary"], "bold")
            looks["mask"] = Look(ground, base["warning"], "bold")
        for field in msgspec.structs.fields(Marks):
            written = getattr(self._file.marks, field.name)
            if written:
                name = field.encode_name
                looks[name] = self._look(written, f"marks.{name}")
        return looks

    def _textual(self, theme: Theme) -> dict[str, str]:
        """The file's own values for Textual's variables."""
        known = theme.to_color_system().generate()
        values: dict[str, str] = {}
        for name, written in self._file.textual.items():
            dotted = f"textual.{name}"
            if name not in known:
                message = text("themes.no_variable", name=name) + nearest(name, known)
                self._complain(dotted, message)
            elif name.endswith("-style"):
                if not written or not set(written.split()) <= STYLES:
                    self._complain(dotted, text("themes.no_style", value=written))
                values[name] = written
            else:
                values[name] = self._color(written, dotted).hex
        return values

    def _judge(self, base: dict[str, Color], looks: dict[str, Look]) -> None:
        """Refuse text that cannot be read. The terminal's own colours cannot be judged."""
        if self._file.ansi:
            return
        grounds = {name: base[name] for name in ("background", "surface", "panel")}
        pairs = [("foreground", base["foreground"], name, grounds[name]) for name in grounds]
        for name, look in looks.items():
            if name == "bar-rest":
                continue  # meant to be hardly there
            if look.ground is None:
                pairs += [(name, look.color, under, grounds[under]) for under in grounds]
            else:
                pairs.append((name, look.color, "its ground", look.ground))
        for name, color, under, ground in pairs:
            found = ratio(color, ground)
            if found < READABLE:
                message = text(
                    "themes.contrast", name=name, ground=under, found=found, least=READABLE
                )
                self._complain(_written(name), message)

    def _look(self, written: str, dotted: str) -> Look:
        try:
            look = Look.parse(written)
        except ValueError as error:
            self._complain(dotted, text("themes.no_look", value=error))
            return Look(Color(0, 0, 0))
        for color in filter(None, (look.color, look.ground)):
            self._check_kind(color, dotted)
        return look

    def _color(self, written: str, dotted: str) -> Color:
        try:
            color = colour(written)
        except ValueError as error:
            self._complain(dotted, text("themes.no_color", value=error))
            return Color(0, 0, 0)
        self._check_kind(color, dotted)
        return color

    def _check_kind(self, color: Color, dotted: str) -> None:
        """The terminal's colours and exact ones do not mix: neither follows from the other."""
        if (color.ansi is not None) != self._file.ansi:
            key = "themes.only_ansi" if self._file.ansi else "themes.never_ansi"
            self._complain(dotted, text(key))

    def _complain(self, dotted: str, message: str) -> None:
        mark = self._reader.marks.get(dotted, Mark(0, 0))
        self._reader.complain(mark, f"{dotted}: {message}")


def _written(name: str) -> str:
    """The dotted name under which a file sets a colour."""
    if name.startswith("token-"):
        return "tokens"
    return f"colors.{name}" if name in Colors.__struct_fields__ else f"marks.{name}"

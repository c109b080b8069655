"""Bars of surprisal as a picture, drawn by matplotlib, which the extra ``pictures`` installs.

In an SVG, text stays text, so that whoever shows it needs the font. A PNG needs a font here that
has all letters: matplotlib's own has none for Japanese.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Protocol

from tui.files import paths, whole_file
from tui.headless.io.output import Output
from tui.headless.io.tables import unwritable
from tui.strings import text
from tui.terminal.exit_codes import Failure
from tui.terminal.sanitise import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LIMIT = 1000
"""Labels of one panel that are drawn."""
ACROSS = 16
"""Labels side by side; the others go below."""
TITLE = 120
"""Letters of a title that are drawn."""
FONTS = (
    "Noto Sans CJK JP",
    "Noto Sans JP",
    "Source Han Sans JP",
    "IPAexGothic",
    "IPAGothic",
    "TakaoGothic",
    "VL Gothic",
    "Hiragino Sans",
    "Yu Gothic",
    "Meiryo",
    "MS Gothic",
    "WenQuanYi Zen Hei",
)
"""Fonts with Japanese letters, the first that is installed to be used beside matplotlib's own."""


class Pictured(Protocol):
    """A command that can draw."""

    @property
    def svg(self) -> str | None:
        """The SVG file to write."""

    @property
    def png(self) -> str | None:
        """The PNG file to write."""


@dataclass(frozen=True)
class Panel:
    """Bars beside each other over each label."""

    title: str
    labels: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    """The heights of the bars of one colour, in bits; a bar that is None is missing."""


def add_pictures(parser: ArgumentParser) -> None:
    """Add the files that a picture can go to."""
    parser.add_argument("--svg", metavar="FILE", help=text("cli.option.bars_svg"))
    parser.add_argument("--png", metavar="FILE", help=text("cli.option.bars_png"))


def wanted(command: Pictured) -> bool:
    """Whether the command draws.

    Raises:
        Failure: it is to, and matplotlib is not installed (exit code 2).
    """
    if command.svg is None and command.png is None:
        return False
    if find_spec("matplotlib") is None:
        raise Failure.usage(text("cli.no_matplotlib"), text("cli.no_matplotlib_hint"))
    return True


def draw(command: Pictured, panels: Sequence[Panel], output: Output) -> None:
    """Draw panels below each other into the files that the command names.

    Raises:
        Failure: a file cannot be written, or no font here has the letters of a PNG.
    """
    if any(len(panel.labels) > LIMIT for panel in panels):
        output.warn(text("cli.picture_part", n=LIMIT))
    for name, kind in ((command.svg, "svg"), (command.png, "png")):
        if name is None:
            continue
        path = paths.written(name)
        try:
            whole_file.write(path, _drawn(panels, kind))
        except OSError as error:
            raise unwritable(path, error) from error


def _drawn(panels: Sequence[Panel], kind: str) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    rows = [row for panel in panels for row in _rows(panel)]
    written = "".join(label for row in rows for label in (row.title, *row.labels, *row.series))
    families = _families(written, text_stays=kind == "svg")
    settings: dict[str, Any] = {
        "font.family": families,
        "svg.fonttype": "none",
        "svg.hashsalt": "t",
    }
    most = max(
        (each for row in rows for bars in row.series.values() for each in bars if each), default=1.0
    )
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that an SVG's reader has a font for
        figure = Figure(figsize=(10, 2.6 * len(rows)), layout="constrained")
        for number, row in enumerate(rows, 1):
            _bars(figure.add_subplot(len(rows), 1, number), row, most)
        return _bytes(figure, kind)


def _bytes(figure: Figure, kind: str) -> bytes:
    into = io.BytesIO()
    figure.savefig(into, format=kind, dpi=120, metadata={"Date": None} if kind == "svg" else None)
    return into.getvalue()


def _rows(panel: Panel) -> Iterator[Panel]:
    """A panel in rows that are narrow enough."""
    count = min(len(panel.labels), LIMIT)
    for first in range(0, max(1, count), ACROSS):
        part = slice(first, min(first + ACROSS, count))
        series = {clean(name): bars[part] for name, bars in panel.series.items()}
        labels = [clean(label) for label in panel.labels[part]]
        title = "" if first else textwrap.shorten(clean(panel.title), TITLE, placeholder=" …")
        yield Panel(title, labels, series)


def _bars(axes: Axes, row: Panel, most: float) -> None:
    width = 0.8 / max(1, len(row.series))
    for number, (name, bars) in enumerate(row.series.items()):
        shift = (number - (len(row.series) - 1) / 2) * width
        known = [(at + shift, each) for at, each in enumerate(bars) if each is not None]
        axes.bar([at for at, _ in known], [each for _, each in known], width, label=name)
    # Dollar signs are no formulas.
    axes.set_xticks(range(len(row.labels)), row.labels, parse_math=False)
    axes.set_xlim(-0.6, max(len(row.labels), min(ACROSS, 4)) - 0.4)
    axes.set_ylim(0, most * 1.05)
    axes.set_ylabel(text("cli.picture_axis"))
    axes.set_title(row.title, parse_math=False, fontsize="medium")
    if any(len(label) > 8 for label in row.labels):
        axes.tick_params("x", rotation=30)
    if len(row.series) > 1:
        legend = axes.legend(fontsize="small")
        for entry in legend.get_texts():
            entry.set_parse_math(False)


def _families(written: str, *, text_stays: bool) -> list[str]:
    """Fonts that have these letters.

    Raises:
        Failure: none has, and the picture has to hold their shapes.
    """
    from matplotlib import font_manager

    names = {font.name for font in font_manager.fontManager.ttflist}
    families = ["DejaVu Sans", *[name for name in FONTS if name in names][:1]]
    fonts = [font_manager.get_font(font_manager.findfont(name)) for name in families]
    missing = [
        letter
        for letter in dict.fromkeys(written)
        if not letter.isspace() and not any(font.get_char_index(ord(letter)) for font in fonts)
    ]
    if missing and not text_stays:
        message = text("cli.no_font", letters="".join(missing[:10]))
        raise Failure(message, text("cli.no_font_hint"))
    return families

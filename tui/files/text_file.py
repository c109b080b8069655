"""A text file that a person names: found, and read."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

from tui.files import paths

_ROOTED = re.compile(r"(/|\.\.?/|~[^/\s]*/)\S+")
_SUFFIXED = re.compile(
    r".*[^/.]\.(txt|text|md|rst|tex|csv|tsv|jsonl?|ya?ml|xml|html?|log|srt|pdf)", re.IGNORECASE
)


def named(written: str) -> Path | None:
    """The file that a text is the name of, if it is one."""
    try:
        path = paths.written(written)
        return path if path.is_file() else None
    except (OSError, ValueError):  # too long for a name, a null
        return None


def looks_named(written: str) -> bool:
    """Whether a text reads like the name of a file, which may or may not be there."""
    if "\n" in written or not written.strip():
        return False
    if _ROOTED.fullmatch(written) or _SUFFIXED.fullmatch(written):
        return True
    folder, slash, name = written.rpartition("/")
    try:
        return bool(slash and folder and name) and Path(folder).is_dir()
    except (OSError, ValueError):
        return False


def read(path: Path) -> str:
    """A file's text, without a final line break, as a shell's ``$(...)`` would give it.

    Raises:
        OSError: it cannot be read.
        UnicodeError: it is neither UTF-8 nor UTF-16 with a byte order mark.
    """
    return without_end(decoded(path.read_bytes()))


def decoded(data: bytes, errors: str = "strict") -> str:
    """A file's text: UTF-8, or UTF-16 where a byte order mark says so or a null in the first
    character does.

    With `errors` "surrogateescape", other bytes are lone surrogates; `utf8` finds them.

    Raises:
        UnicodeError: it is neither.
    """
    order = _utf16(data)
    if order is None:
        return data.decode("utf-8-sig", errors)
    if errors == "strict":
        return data.decode(order)
    odd = len(data) % 2  # a file that was cut short
    return data[: len(data) - odd].decode(order, "surrogatepass") + "\udcff" * odd


def _utf16(data: bytes) -> str | None:
    """The codec of a text that is UTF-16."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    first = data[:2]
    if first.count(0) != 1 or len(first) < 2:
        return None
    return "utf-16-be" if first[0] == 0 else "utf-16-le"


def utf8(line: str) -> bool:
    """Whether a line of a text was UTF-8."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def without_end(content: str) -> str:
    """A text without its final line break."""
    return content.removesuffix("\n").removesuffix("\r")

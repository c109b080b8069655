"""What is wrong with a value that msgspec refuses, in the user's language."""

from __future__ import annotations

import re

import msgspec

from tui.strings import text

_EXPECTED = re.compile(
    r"Expected `(\w+)[^`]*`(?P<length> of length)?(?: (?P<limit>[<>]=?) (?P<bound>\S+?))?(?:,|$)"
)
"""``Expected `float` <= 1.0``, ``Expected `int`, got `str```."""


def wrong(error: msgspec.ValidationError) -> str:
    """What the value must be: "must be 1 or more", "must be a whole number"."""
    said = str(error).rpartition(" - at `$")[0] or str(error)
    found = _EXPECTED.match(said)
    if found is None:
        return text("value.other")
    if found["limit"]:
        bound = found["bound"].removesuffix(".0")
        limit = text(f"value.limit.{_LIMITS[found['limit']]}", bound=bound)
        return text("value.length" if found["length"] else "value.must_be", limit=limit)
    return text(f"value.{found[1]}") if found[1] in _KINDS else text("value.other")


_LIMITS = {">=": "least", "<=": "most", ">": "above", "<": "below"}
_KINDS = ("int", "float", "str", "bool", "array", "object")

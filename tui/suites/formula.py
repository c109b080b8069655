"""Predictions as SyntaxGym writes them: formulas over the surprisals of regions.

    (6;%match%) < (6;%mismatch%)                 region 6 is less surprising under "match"
    [(7;%a%) + (8;%a%)] - (7;%b%) > 0            sums and differences, round or square brackets
    (*;%a%) < (*;%b%) & (3;%a%) = (3;%b%)        whole sentences; both hold

`&` and `|` bind equally, from left to right, and less than comparisons; these bind less than sums.
`=` allows for rounding, as in syntaxgym-core (Gauthier et al. 2020): 1e-3 and 1e-5 of the right
side.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from tui.strings import text

ABSOLUTE, RELATIVE = 1e-3, 1e-5
"""How far two sides of `=` may be apart, in bits and as a share of the right one."""

_TOKEN = re.compile(
    r"\s*(?:\(\s*(?P<region>\d+|\*)\s*;\s*%(?P<condition>[^%]+)%\s*\)"
    r"|(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)"
    r"|(?P<sign>[][()<>=&|+-]))"
)
_CLOSING = {"(": ")", "[": "]"}


class Malformed(ValueError):
    """A formula that cannot be understood; its message says why, for the user."""


@dataclass(frozen=True)
class Reference:
    """The surprisal of a region under a condition; of the whole sentence where `region` is None."""

    condition: str
    region: int | None


@dataclass(frozen=True)
class Number:
    """A number."""

    value: float


@dataclass(frozen=True)
class Operation:
    """Two sides and the sign between them."""

    sign: str
    left: Node
    right: Node


Node = Reference | Number | Operation
Kind = Literal["number", "truth"]
Surprisal = Callable[[Reference], float | None]


@dataclass(frozen=True)
class Formula:
    """A prediction."""

    written: str
    root: Node

    def references(self) -> Iterator[Reference]:
        """What it compares."""
        yield from _references(self.root)

    def holds(self, surprisal: Surprisal) -> bool | None:
        """Whether it holds, given surprisals in bits; None where one that it needs is missing."""
        values = {reference: surprisal(reference) for reference in self.references()}
        known = {reference: value for reference, value in values.items() if value is not None}
        return None if len(known) < len(values) else bool(_value(self.root, known))


def parse(written: str) -> Formula:
    """Understand a prediction.

    Raises:
        Malformed: it is no formula that can be true or false.
    """
    try:
        parser = _Parser(written)
        node, kind = parser.truths()
        if parser.sign:
            raise parser.unexpected()
        if kind != "truth":
            raise Malformed(text("suites.no_comparison"))
        formula = Formula(" ".join(written.split()), node)
        formula.holds(lambda reference: 0.0)  # as deep as it will ever go
    except RecursionError:
        raise Malformed(text("suites.too_deep")) from None
    return formula


class _Parser:
    """Recursive descent; `sign` is the sign that comes next, "region" or "number" for a value."""

    def __init__(self, written: str) -> None:
        self._written = written
        self._at = 0
        self._next()

    def truths(self) -> tuple[Node, Kind]:
        return self._chain("&|", self._comparison, "truth")

    def _comparison(self) -> tuple[Node, Kind]:
        node, kind = self._sum()
        if self.sign in ("<", ">", "="):
            sign = self.sign
            self._demand(kind, "number")
            self._next()
            other, kind = self._sum()
            self._demand(kind, "number")
            node, kind = Operation(sign, node, other), "truth"
        return node, kind

    def _sum(self) -> tuple[Node, Kind]:
        return self._chain("+-", self._atom, "number")

    def _chain(
        self, signs: str, part: Callable[[], tuple[Node, Kind]], wanted: Kind
    ) -> tuple[Node, Kind]:
        """Parts with signs between them, from left to right."""
        node, kind = part()
        while self.sign and self.sign in signs:
            sign = self.sign
            self._demand(kind, wanted)
            self._next()
            other, kind = part()
            self._demand(kind, wanted)
            node = Operation(sign, node, other)
        return node, kind

    def _atom(self) -> tuple[Node, Kind]:
        match self.sign:
            case "region":
                region, condition = self._found["region"], self._found["condition"].strip()
                self._next()
                return Reference(condition, None if region == "*" else int(region)), "number"
            case "number":
                value = float(self._found["number"])
                self._next()
                return Number(value), "number"
            case "-":
                self._next()
                node, kind = self._atom()
                self._demand(kind, "number")
                return Operation("-", Number(0.0), node), "number"
            case "(" | "[" as opened:
                self._next()
                inner = self.truths()
                if self.sign != _CLOSING[opened]:
                    raise self.unexpected()
                self._next()
                return inner
        raise self.unexpected()

    def _demand(self, kind: Kind, wanted: Kind) -> None:
        if kind != wanted:
            raise Malformed(text(f"suites.wants_{wanted}"))

    def _next(self) -> None:
        found = _TOKEN.match(self._written, self._at)
        self.sign = ""
        if found is not None:
            self._found = found
            self._at = found.end()
            self.sign = found["sign"] or ("region" if found["region"] else "number")
        elif self._written[self._at :].strip():
            raise Malformed(text("suites.unexpected", rest=self._rest(self._at)))

    def unexpected(self) -> Malformed:
        """What is wrong where the parser is."""
        if not self.sign:
            return Malformed(text("suites.ends_early"))
        return Malformed(text("suites.unexpected", rest=self._rest(self._found.start())))

    def _rest(self, at: int) -> str:
        return self._written[at:].strip()[:20]


def _references(node: Node) -> Iterator[Reference]:
    if isinstance(node, Reference):
        yield node
    elif isinstance(node, Operation):
        yield from _references(node.left)
        yield from _references(node.right)


def _value(node: Node, known: dict[Reference, float]) -> float:
    if isinstance(node, Reference):
        return known[node]
    if isinstance(node, Number):
        return node.value
    left, right = _value(node.left, known), _value(node.right, known)
    match node.sign:
        case "+":
            return left + right
        case "-":
            return left - right
        case "<":
            return left < right
        case ">":
            return left > right
        case "=":
            return abs(left - right) <= ABSOLUTE + RELATIVE * abs(right)
        case "&":
            return min(left, right)
    return max(left, right)

"""Any walk through branches: what rows hold after it beside the ids that they should hold."""

from __future__ import annotations

from hypothesis import strategies as st

from engine.interfaces import Branches, CausalRuntime
from tests.support.families import prefilled

Walk = list[tuple[str, int]]
walks: st.SearchStrategy[Walk] = st.lists(
    st.tuples(
        st.sampled_from(["feed", "fork", "leave", "crop", "keep", "back"]), st.integers(0, 99)
    ),
    max_size=14,
)


class Mirror:
    """Branches of the runtime beside the ids that they should hold."""

    def __init__(self, runtime: CausalRuntime, ids: list[int]) -> None:
        self.runtime = runtime
        self.branches, _ = prefilled(runtime, ids)
        self.rows = [ids]
        self.kept: list[tuple[Branches, list[list[int]]]] = []

    def go(self, what: str, number: int) -> None:
        runtime, length = self.runtime, len(self.rows[0])
        if what == "feed":
            new = [
                [(number + row + place) % 60 + 1 for place in range(number % 3 + 1)]
                for row in range(len(self.rows))
            ]
            self.branches = runtime.feed(self.branches, new)
            self.rows = [[*ids, *more] for ids, more in zip(self.rows, new, strict=True)]
        elif what in {"fork", "leave", "keep"}:
            # "leave" takes some rows, "fork" doubles one, "keep" sets all aside for later.
            index = list(range(len(self.rows)))
            if what == "fork" and len(index) < 4:
                index = [*index, number % len(index), number % len(index)]
            elif what == "leave":
                index = index[number % len(index) :]
            chosen = runtime.select(self.branches, index)
            rows = [self.rows[row] for row in index]
            if what == "keep":
                self.kept.append((chosen, rows))
            else:
                self.branches, self.rows = chosen, rows
        elif what == "crop":
            length = max(1, length - number % (length if number > 80 else 4))
            self.branches = runtime.crop(self.branches, length)
            self.rows = [ids[:length] for ids in self.rows]
        elif self.kept:
            branches, self.rows = self.kept[number % len(self.kept)]
            self.branches = runtime.select(branches, range(len(self.rows)))

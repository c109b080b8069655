"""Pairs that are kept: both orders apart, the oldest forgotten first."""

from __future__ import annotations

from engine.messages import Witness
from engine.runtime.pair_cache import PairCache


def test_pairs_are_kept_by_their_order_up_to_a_limit() -> None:
    memory = PairCache(limit=2)
    memory.keep("a", "b", Witness(nsp_margin=1.0))
    memory.keep("b", "a", Witness(nsp_margin=2.0))
    assert memory.get("a", "b") == Witness(nsp_margin=1.0)
    assert memory.get("b", "a") == Witness(nsp_margin=2.0)
    memory.keep("a", "b", Witness(nsp_margin=3.0))
    memory.keep("a", "c", Witness(nsp_margin=4.0))
    assert memory.get("b", "a") is None
    assert memory.get("a", "b") == Witness(nsp_margin=3.0)
    assert memory.bytes > 0
    memory.clear()
    assert memory.get("a", "b") is None
    assert memory.bytes == 0

"""How well one text continues another, according to several witnesses.

They measure different things: a next-sentence head topic, a sentence-order head order, a causal
model's mutual information both, and the cosine only similarity.
"""

from engine.tasks.continuity.scoring import run_pairs, score_pair
from engine.tasks.continuity.sides import join
from engine.tasks.continuity.verdict import verdict
from engine.tasks.continuity.witnesses import both_ways

__all__ = ["both_ways", "join", "run_pairs", "score_pair", "verdict"]

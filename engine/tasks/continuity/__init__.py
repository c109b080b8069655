"""How well one text continues another, as more than one witness sees it.

They measure different things: a next-sentence head topic, a sentence-order head order, a causal
model's mutual information both, and the cosine likeness alone.
"""

from engine.tasks.continuity.hearing import hear, run_pairs
from engine.tasks.continuity.sides import join
from engine.tasks.continuity.verdict import verdict

__all__ = ["hear", "join", "run_pairs", "verdict"]

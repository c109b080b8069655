"""How well one text continues another, according to several witnesses.

    scoring.py             one pair, or many, judged by all witnesses of a model
    sides.py               the two texts: stripped, joined and trimmed
    witness.py             the protocol of a witness
    witnesses.py           the table of all of them
    paired.py              next-sentence and sentence-order heads
    mutual_information.py  how much likelier B is after A than by itself
    cosine.py              the similarity of the two
    shuffling.py           shuffled texts, as a baseline
    verdict.py             what all witnesses come to

They measure different things: a next-sentence head topic, a sentence-order head order, a causal
model's mutual information both, and the cosine only similarity.
"""

from engine.tasks.continuity.scoring import run_pairs, score_pair
from engine.tasks.continuity.sides import join
from engine.tasks.continuity.verdict import verdict
from engine.tasks.continuity.witnesses import both_ways

__all__ = ["both_ways", "join", "run_pairs", "score_pair", "verdict"]

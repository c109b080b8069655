"""Measures this engine beside its peers, in one run and in turns, and checks that they agree.

__main__.py   `python -P -m engine.bench`: groups to run; one line of JSON a result
timing.py     turns and medians
peers.py      transformers' generate, and llama.cpp where it is installed
decoding.py   tokens a second, and the time to the first token
scoring.py    many sentence pairs
coherence.py  `python -P -m engine.bench.coherence`: a table of how right the scores of pairs are
cohesion.py   its baseline, from shared words
"""

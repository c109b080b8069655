"""Benchmarks this engine against others, in one run and in turns, and checks that they agree.

__main__.py    `python -P -m engine.bench`: runs groups; a line of JSON for results and progress
timing.py      turns and medians
peers.py       transformers' generate, and CTranslate2 where it is installed
ggufs.py       llama.cpp where it is installed
decoding.py    tokens per second, and the time to the first token
closeness.py   the distance of forms from exact
neighbours.py  while other programs keep cores busy
bandwidth.py   memory bandwidth, and the share of it that decoding reaches
shapes.py      a model of random weights in the shape of one that cannot be shipped
filling.py     masks, and many words at one mask
scoring.py     many sentence pairs, and the sentences of a suite
loading.py     loading time and memory
starting.py    from starting the engine to the first token
coherence.py   `python -P -m engine.bench.coherence`: how accurate the scores of pairs are
cohesion.py    its baseline, from shared words
steps.py       one decoding step, and its matrix multiplications alone
"""

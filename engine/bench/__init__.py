"""Measures this engine beside its peers, in one run and in turns, and checks that they agree.

__main__.py   `python -P -m engine.bench`: groups to run; one line of JSON a result
timing.py     turns and medians
peers.py      transformers' generate; llama.cpp and CTranslate2 where they are installed
decoding.py   tokens a second, and the time to the first token
bandwidth.py  what memory can deliver, and how much of that decoding takes
shapes.py     a model of random weights in the shape of one that cannot be shipped
filling.py    masks, and many words at one
scoring.py    many sentence pairs
loading.py    loading, and the memory that it takes
starting.py   from nothing to the first token
coherence.py  `python -P -m engine.bench.coherence`: a table of how right the scores of pairs are
cohesion.py   its baseline, from shared words
"""

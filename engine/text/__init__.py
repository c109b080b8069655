"""Text analysis that needs no model.

    sentences.py   splitting into sentences
    texttiling.py  depths and boundaries between topics, Pk and WindowDiff
    ordering.py    better orders of sentences, given a score for each pair
    coverage.py    whether a model's vocabulary and languages cover a text

Pure functions; no PyTorch.
"""

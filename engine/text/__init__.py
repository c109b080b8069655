"""What is known of a text without a model.

    sentences.py   splitting into sentences
    texttiling.py  depths and boundaries between topics, Pk and WindowDiff
    ordering.py    a better order for sentences, given how each pair scores
    coverage.py    whether a model knows the language of a text

Pure functions; no PyTorch.
"""

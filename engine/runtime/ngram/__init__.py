"""N-gram models, trained on a text when they are loaded.

kneser_ney.py  counts and probabilities, by modified Kneser-Ney smoothing
runtime.py     such a model as a causal one
loading.py     trains one on its text
"""
